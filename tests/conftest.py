"""What holds for every test."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from config.current import forget
from pktmask_site.scaling import Bucket, captures_storage
from tests.buckets import bucket_at, object_server, storage_of

# no deadline: it is a clock, and the machine may be busy.  The same cases each time, so that a run
# says something of the change; `make test-long` looks for others
settings.register_profile("seeded", deadline=None, derandomize=True)
settings.register_profile("searching", deadline=None)
settings.load_profile(os.environ.get("PKTMASK_CASES", "seeded"))

# what starts the whole service does it once for its folder; such tests mostly wait, so each folder
# goes one after the other in a process of its own, from the start, beside one for all the rest
TOGETHER = ("browser", "cluster")


@pytest.fixture(autouse=True)
def _settings_of_one_test() -> Iterator[None]:
    """Forget what a test put in force."""
    yield
    forget()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of an S3 server."""
    with object_server() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_endpoint: str) -> Bucket:
    """A new bucket."""
    made = bucket_at(s3_endpoint)
    storage_of(made).client.create_bucket(Bucket=made.name)
    return made


@pytest.fixture
def in_a_bucket(settings: Any, bucket: Bucket, tmp_path: Path) -> Any:
    """Keep captures in a bucket, as an installation with one does; its storage is given."""
    for name in ("incoming", "work"):
        (tmp_path / name).mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT = tmp_path / "no files"
    settings.STORAGES = {**settings.STORAGES, "default": captures_storage(bucket)}
    return default_storage


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # xdist tells no types
    """Gives whole folders to a process, and of all others whole files.

    The groups of xdist 3.8 are lost with pytest 9.2, whose items have another kind of id.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        folder = file.split("/")[1]
        return folder if folder in TOGETHER else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    """Keep what belongs together in one process, whatever ``--dist`` says."""
    return ByFolder(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    folder = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(folder).parts[0] not in TOGETHER)


# --- tracing, which makes what is traced six times as slow ----------------------------------------
# tests that ask a database, start processes, or draw thousands of cases are not traced
UNTRACED = ("slow", "django_db", "no_cover")


def coverage_of(config: pytest.Config) -> Any:
    """Return what starts and stops tracing in this process, None where nothing is traced."""
    plugin = config.pluginmanager.getplugin("_cov")
    controller = plugin and plugin.cov_controller
    is_elsewhere = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    return None if is_elsewhere else controller


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Import what is traced, so that the rest of collecting need not be.

    What there is then stays to the end; to look through it again and again for garbage takes a
    fifth of the time.
    """
    if tracing := coverage_of(session.config):
        root = session.config.rootpath
        for pattern in tracing.cov.get_option("run:include"):
            for path in root.glob(pattern if pattern.endswith(".py") else f"{pattern}*/*.py"):
                import_module(".".join(path.relative_to(root).with_suffix("").parts))
        tracing.pause()
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Trace a test with what is set up for it, or not."""
    tracing = coverage_of(item.config)
    if tracing and tracing.started == any(map(item.get_closest_marker, UNTRACED)):
        if tracing.started:
            tracing.pause()
        else:
            tracing.resume()
    return (yield)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long bytes by their argument: packed ones hold the time, and ids must not."""
    return argname if isinstance(val, bytes) and len(val) > 16 else None
