"""One installation for all tests of the folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.installation import Installation


# it is ended before other tests come: it would take half a core from them
@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give an installation that runs."""
    made = Installation(tmp_path_factory.mktemp("installation"))
    try:
        made.start()
        yield made
    finally:
        made.kill_everything()
