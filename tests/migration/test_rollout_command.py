"""``manage.py rollout``: it goes by the settings in force, as the service does."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from config.choices import VersionKind
from config.current import forget
from config.layers import Given
from config.versions import newest_version, publish
from trimming.policy import newest_policy
from trimming.routing_choices import Mode

pytestmark = pytest.mark.django_db(transaction=True)


def configure(section: str, **values: object) -> None:
    """Publish settings, in another process than the command's."""
    console = {section: {name: Given(value, "a test") for name, value in values.items()}}
    publish(newest_version(), kind=VersionKind.CONSOLE, reason="a test", console=console)
    forget()


def test_a_rollout_that_is_started_by_command_has_the_limits_in_force() -> None:
    configure("rollout", baseline_shadow_share=0.25)
    call_command("rollout", "start", reason="a test")
    policy = newest_policy()
    assert (policy.mode, policy.shadow_share) == (Mode.COMPARISON, 0.25)


def test_a_mode_that_the_settings_do_not_permit_is_missed_before_the_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("routing", permit_ab_test=False)
    with pytest.raises(SystemExit) as ended:
        call_command("rollout", "start", reason="a test")
    assert ended.value.code == 2
    assert "routing.permit_ab_test" in capsys.readouterr().err
    assert newest_policy().version == 1
