"""The layer of environment variables."""

from __future__ import annotations

import pytest

from config.environment import environment_layer, variable
from config.layers import ConfigurationError, Given
from tests.config.kettles import kettles

REGISTRY = kettles()


def test_without_variables_nothing_is_given() -> None:
    assert environment_layer(REGISTRY, {}) == {}


def test_each_variable_is_read_as_yaml_reads_a_value_and_is_its_own_place() -> None:
    environ = {
        "PKTMASK_KETTLE__BOIL_SECONDS": "2.5",
        "PKTMASK_KETTLE__CUPS": "7",
        "PKTMASK_KETTLE__IS_ON": "true",
        "PKTMASK_KETTLE__SIZE": "large",
    }
    assert environment_layer(REGISTRY, environ) == {
        "kettle": {
            "boil_seconds": Given(2.5, "PKTMASK_KETTLE__BOIL_SECONDS"),
            "cups": Given(7, "PKTMASK_KETTLE__CUPS"),
            "is_on": Given(True, "PKTMASK_KETTLE__IS_ON"),
            "size": Given("large", "PKTMASK_KETTLE__SIZE"),
        }
    }


def test_a_text_may_look_like_a_number() -> None:
    found = environment_layer(REGISTRY, {"PKTMASK_KETTLE__LABEL": "0042"})
    assert found["kettle"]["label"].value == "0042"


@pytest.mark.parametrize("name", ["PKTMASK_DATA_DIR", "CUPS", "KETTLE__CUPS", "PKTMASK_PORT"])
def test_variables_that_are_no_settings_are_left_alone(name: str) -> None:
    assert environment_layer(REGISTRY, {name: "x"}) == {}


def test_a_variable_of_no_setting_is_refused_with_the_name_that_was_meant() -> None:
    with pytest.raises(ConfigurationError) as found:
        environment_layer(REGISTRY, {"PKTMASK_KETTLE__CUP": "1", "PKTMASK_X__Y": "1"})
    assert [str(problem) for problem in found.value.problems] == [
        "PKTMASK_KETTLE__CUP: there is no such setting. Did you mean PKTMASK_KETTLE__CUPS?",
        "PKTMASK_X__Y: there is no such setting. `manage.py show_config` lists all settings.",
    ]


def test_the_name_of_a_variable_is_section_and_key() -> None:
    assert variable("kettle", "cups") == "PKTMASK_KETTLE__CUPS"
