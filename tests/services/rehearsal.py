"""A whole rollout with the limits of ``config/demo/``: the service, load beside it, two people."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.services.console import ROOT, Console, wait_until

MANAGE: Final = str(ROOT / "manage.py")
OPERATOR: Final = "alice"
APPROVER: Final = "bob"
COMMAND_SECONDS: Final = 120.0
PEOPLE: Final = """
from django.contrib.auth.models import Group, User
for name, role in (("alice", "operator"), ("bob", "approver")):
    user = User.objects.create_user(name, password={password!r})
    user.groups.add(Group.objects.get(name=role))
"""
END_FAULTS: Final = """
from trimming import drills
from trimming.models import Drill
for drill in Drill.objects.all():
    drills.stop(drill)
"""
REPLAY: Final = """
from django.core.management import call_command
from migration.models import Decision
for number in Decision.objects.order_by("pk").values_list("pk", flat=True):
    call_command("replay_decision", number)
"""
UNENDED: Final = "SELECT count(*) FROM trimming_trimjob WHERE state IN ('waiting', 'running')"


class Rehearsal(Console):
    """The service with the settings of a demo."""

    def __init__(self, folder: Path, **environ: str) -> None:
        super().__init__(
            folder,
            {
                "PKTMASK_ENVIRONMENT": "demo",
                "PKTMASK_WORKERS": "4",
                "PKTMASK_ADMIN_PASSWORD": "a password of the demo",
                **environ,
            },
        )
        self._seed = 0

    def add_people(self, password: str | None = None) -> None:
        """Give two people their roles; without a password they work at the machine only."""
        self.manage("shell", "-v", "0", "-c", PEOPLE.format(password=password))

    # --- commands ---------------------------------------------------------------------------------
    def manage(self, *arguments: str) -> str:
        """Run a command; return what it printed.  An error of it is an error of the test."""
        done = self.try_to(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def try_to(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command that may be refused."""
        return subprocess.run(
            [sys.executable, MANAGE, *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def rollout(self, action: str, *arguments: str, user: str = "") -> str:
        """Do something with the rollout, as one of the two people or at the machine itself."""
        reason = ("--reason", "a rehearsal")
        return self.manage("rollout", action, "--user", user, *reason, *arguments)

    # --- load -------------------------------------------------------------------------------------
    @contextmanager
    def load(self, rate: float, *arguments: str) -> Iterator[dict[str, Any]]:
        """Send small captures at a rate; what came of it is there afterwards."""
        process = self._generate("--rate", str(rate), "--seconds", "3600", *arguments)
        found: dict[str, Any] = {}
        try:
            yield found
        finally:
            process.send_signal(signal.SIGINT)  # it ends in order, with its summary
            said, complaints = process.communicate(timeout=COMMAND_SECONDS)
        assert process.returncode == 0, complaints
        found |= json.loads(said)

    def send(self, count: int, *arguments: str) -> dict[str, Any]:
        """Send so many small captures, to their end."""
        process = self._generate("--rate", "5", "--count", str(count), *arguments)
        said, complaints = process.communicate(timeout=COMMAND_SECONDS)
        assert process.returncode == 0, complaints
        found: dict[str, Any] = json.loads(said)
        return found

    def end_faults(self) -> None:
        """End the faults that were given."""
        self.manage("shell", "-v", "0", "-c", END_FAULTS)

    def _generate(self, *arguments: str) -> subprocess.Popen[str]:
        self._seed += 1
        command = ["generate_load", "--url", self.url, "--mix", "small=100", "--json"]
        return subprocess.Popen(
            [sys.executable, MANAGE, *command, "--seed", str(self._seed), *arguments],
            env={**self.environ, "PKTMASK_LOAD_PASSWORD": self.password},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # --- what is seen -----------------------------------------------------------------------------
    def state(self) -> str:
        """Return where the rollout stands."""
        rows = self.rows("SELECT state FROM migration_rollout ORDER BY id DESC LIMIT 1")
        return str(rows[0][0]) if rows else ""

    def phase(self) -> str:
        """Return the phase that the newest attempt is in."""
        query = "SELECT name FROM migration_phase WHERE state != 'pending' "
        rows = self.rows(f"{query} ORDER BY attempt_id DESC, number DESC LIMIT 1")
        return str(rows[0][0]) if rows else ""

    def moves(self) -> list[str]:
        """Return all moves, oldest first."""
        return [row[0] for row in self.rows("SELECT move FROM migration_decision ORDER BY id")]

    def policies(self) -> list[tuple[str, float, str]]:
        """Return mode, share and origin of each policy, oldest first."""
        query = "SELECT mode, treatment_share, origin FROM trimming_routingpolicy "
        return [(row[0], row[1], row[2]) for row in self.rows(f"{query} ORDER BY version")]

    def go_on_to(self, aim: str, seconds: float) -> None:
        """Approve what waits for it until the rollout is in a phase, or in a state."""

        def is_there() -> bool:
            if self.state() == "awaiting_approval":
                # it may be withdrawn meanwhile: then it is asked for again
                self.try_to("rollout", "approve", "--user", APPROVER, "--reason", "a rehearsal")
            return aim in (self.state(), self.phase())

        try:
            wait_until(is_there, seconds, aim)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.manage('rollout', 'status')}") from None

    # --- what must hold at the end ----------------------------------------------------------------
    def assert_all_served(self, *sent: dict[str, Any]) -> None:
        """Hold that every upload was accepted, and every job is done, its output verified."""
        for each in sent:
            assert each["refused"] == {}
            assert each["accepted"] == each["sent"]
        wait_until(lambda: self.rows(UNENDED) == [(0,)], COMMAND_SECONDS, "all jobs to end")
        states = Counter(row[0] for row in self.rows("SELECT state FROM trimming_trimjob"))
        assert set(states) == {"done"}, states
        query = "SELECT r.report, r.output, r.output_sha256 FROM trimming_trimjob j "
        outputs = self.rows(f"{query} JOIN trimming_trimrun r ON r.id = j.published_run_id")
        assert len(outputs) == states["done"]
        for report, output, digest in outputs:
            assert json.loads(report)["verification"]["passed"]
            stored = (self.data_dir / "files" / output).read_bytes()
            assert hashlib.sha256(stored).hexdigest() == digest

    def assert_decisions_replay(self) -> None:
        """Hold that each stored decision gives the same answer again."""
        said = self.manage("shell", "-v", "0", "-c", REPLAY)
        assert said.split() == ["same"] * len(self.moves())
