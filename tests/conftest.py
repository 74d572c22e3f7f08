"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from config.current import forget

# a deadline is a clock, and the machine may be busy
settings.register_profile("pktmask", deadline=None)
settings.load_profile("pktmask")

# what starts the whole service does it once for its folder; such tests mostly wait, so they go one
# after the other in one process while another one works on all the rest
TOGETHER = ("browser", "services")


@pytest.fixture(autouse=True)
def _settings_of_one_test() -> Iterator[None]:
    """Forget what a test put in force."""
    yield
    forget()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of some folders in one process when tests run in several."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in TOGETHER:
            item.add_marker(pytest.mark.xdist_group("services"))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long bytes by their argument: packed ones hold the time, and ids must not."""
    return argname if isinstance(val, bytes) and len(val) > 16 else None
