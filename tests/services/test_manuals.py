"""The shell blocks of the manuals that need a running service, as they stand there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.shell_blocks import blocks, commands_of, environment, run
from tests.factories import capture_bytes
from tests.services.console import Console

pytestmark = pytest.mark.slow

TOKEN = """
from datetime import timedelta
from django.contrib.auth.models import Group, User
from django.utils import timezone
from pktmask_site.api.choices import Scope
from pktmask_site.api.tokens import issue
user = User.objects.create_user("otto")
user.groups.add(Group.objects.get(name="operator"))
print(issue(user, "a script", list(Scope), timedelta(days=1), timezone.now()))
"""


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A service as an installation has it: on a busy machine it must come to rest, too."""
    console = Console(tmp_path_factory.mktemp("manuals"), {"PKTMASK_WORKERS": "2"})
    try:
        console.start()
        yield console
    finally:
        console.kill_everything()


def test_a_service_is_verified_and_asked_by_the_letter(console: Console, tmp_path: Path) -> None:
    environ = environment(
        tmp_path,
        console.data_dir,
        PORT=str(console.port),
        CONSOLE_HOST="127.0.0.1",
        PKTMASK_URL=console.url,
    )
    (tmp_path / "capture.pcap").write_bytes(capture_bytes())
    ready, capture, asked = blocks("run: service")
    with commands_of(environ):
        said = run(f"pktmask-manage shell -v 0 -c '{TOKEN}'", environ, tmp_path)
        environ["PKTMASK_TOKEN"] = said.strip()
        assert '"ready": true' in run(ready.script, environ, tmp_path)
        assert "The proof holds." in run(capture.script, environ, tmp_path)
        assert '"ready": ' in run(asked.script, environ, tmp_path)
    assert (tmp_path / "trimmed.pcap").stat().st_size == len(capture_bytes())
