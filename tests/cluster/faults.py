"""The fault matrix: what is done to a running installation, each as one named row.

A fault is given while captures come in; it ends, where it does not end by itself, after
``lasts_seconds``.  What must hold is the same for all: see test_faults.py.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil

from tests.cluster.installation import Installation, Machine
from tests.services.console import wait_until

# how one ends: called after the time that it lasts
End = Callable[[], None]
Give = Callable[[Installation, random.Random], End]


@dataclass(frozen=True, slots=True)
class Fault:
    """One row.  ``is_seen``: who uploads through it may be refused and has to try again.

    ``lasts_seconds`` of 0: it is over at once.
    """

    name: str
    give: Give
    lasts_seconds: float = 0.0
    is_seen: bool = False
    # what another row shows much of is left to `make test-long`
    is_long: bool = False


def nothing() -> None:
    """End a fault that needs no end."""


def _of(installation: Installation, role: str, random_: random.Random) -> psutil.Process:
    """Return one of the processes of a kind, on any machine, once there is one."""
    part = {"web": "web", "monitor": "monitor"}.get(role, "workers")
    machines = installation.with_parts(part)
    if role == "monitor":
        machines = [_with_active_monitor(installation)]
    if role == "supervisor":
        machines = list(installation.machines.values())
    machine = random_.choice(machines)
    found: list[psutil.Process] = wait_until(lambda: machine.role(role), 60, f"a {role}")
    return random_.choice(found)


def _with_active_monitor(installation: Installation) -> Machine:
    """Return the machine whose monitor works; the others stand by."""
    owner = installation.rows("SELECT owner FROM monitoring_monitorlease")
    pid = int(owner[0][0].split(":")[1]) if owner else 0
    machines = installation.with_parts("monitor")
    for machine in machines:
        if any(process.pid == pid for process in machine.role("monitor")):
            return machine
    return machines[0]


def kills(role: str) -> Give:
    """Kill a process of a kind."""

    def give(installation: Installation, random_: random.Random) -> End:
        with suppress(psutil.NoSuchProcess):
            _of(installation, role, random_).kill()
        return nothing

    return give


def stops(role: str) -> Give:
    """Let a process of a kind hang, and go on at the end, unless it was replaced meanwhile."""

    def give(installation: Installation, random_: random.Random) -> End:
        process = _of(installation, role, random_)
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGSTOP)

        def go_on() -> None:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

        return go_on

    return give


def loses_a_machine(installation: Installation, random_: random.Random) -> End:
    """Lose a whole machine; it comes back at the end, with its disk."""
    machine = random_.choice(list(installation.machines.values()))
    machine.kill()
    return lambda: _restart(machine)


def loses_a_supervisor(installation: Installation, random_: random.Random) -> End:
    """Kill a supervisor: everything below it dies with it, as the service manager would see."""
    machine = random_.choice(list(installation.machines.values()))
    assert machine.process is not None
    machine.process.kill()
    machine.process.wait()
    wait_until(lambda: not machine.alive(), 30, "what was below it to die")
    return lambda: _restart(machine)


def _restart(machine: Machine, environ: Mapping[str, str] | None = None) -> None:
    machine.output.unlink(missing_ok=True)
    machine.spawn(environ)
    wait_until(machine.is_ready, 120, f"{machine.name} to be ready again")


def sets_a_clock(ahead_hours: float) -> Give:
    """Let one machine's clock be wrong; it is right again at the end."""

    def give(installation: Installation, random_: random.Random) -> End:
        machine = random_.choice(installation.with_parts("workers"))
        machine.stop()
        shift = {"PKTMASK_TEST_CLOCK_SECONDS": str(3600 * ahead_hours)}
        _restart(machine, {"DJANGO_SETTINGS_MODULE": "tests.cluster.wrong_clock", **shift})

        def set_right() -> None:
            machine.stop()
            _restart(machine)

        return set_right

    return give


def restarts_the_database(installation: Installation, random_: random.Random) -> End:
    """Kill the database; it is back at the end, with all that was committed."""
    installation.database.kill()
    return installation.database.start


def stops_the_database(installation: Installation, random_: random.Random) -> End:
    """Let the database hang."""
    installation.database.pause()
    return installation.database.go_on


def restarts_redis(installation: Installation, random_: random.Random) -> End:
    """Kill Redis, with everything that is in it."""
    assert installation.redis is not None
    installation.redis.kill()
    return installation.redis.start


def empties_redis(installation: Installation, random_: random.Random) -> End:
    """Lose every message in the queue."""
    assert installation.redis is not None
    installation.redis.empty()
    return nothing


def stops_redis(installation: Installation, random_: random.Random) -> End:
    """Let Redis hang."""
    assert installation.redis is not None
    installation.redis.pause()
    return installation.redis.go_on


def stops_the_storage(installation: Installation, random_: random.Random) -> End:
    """Let the object server hang."""
    installation.bucket.pause()
    return installation.bucket.go_on


def refuses_to_store(installation: Installation, random_: random.Random) -> End:
    """Let the object server answer that it is full to whoever stores something."""
    installation.storage_gate.refuse_to_store("507 Insufficient Storage")
    return installation.storage_gate.open


def fails_to_answer(installation: Installation, random_: random.Random) -> End:
    """Let the way to the object server fail: connections end at once."""
    installation.storage_gate.close()
    return installation.storage_gate.open


def slows_the_storage(installation: Installation, random_: random.Random) -> End:
    """Let every answer of the object server come late."""
    installation.storage_gate.slow_down(1.0)
    return installation.storage_gate.open


FAULTS: Final = (
    Fault("a worker is killed", kills("worker")),
    Fault("the sentinel of the workers is killed", kills("sentinel"), is_long=True),
    Fault("the first process of the workers is killed", kills("cluster"), is_long=True),
    Fault("who takes messages for the workers is killed", kills("q_pusher")),
    Fault("who acknowledges results is killed", kills("q_monitor"), is_long=True),
    Fault("a web process is killed", kills("web"), is_seen=True),
    Fault("the monitor is killed", kills("monitor")),
    Fault("a supervisor is killed", loses_a_supervisor, 1, is_seen=True, is_long=True),
    Fault("a machine is lost and comes back", loses_a_machine, 3, is_seen=True),
    Fault("a worker hangs", stops("worker"), 8),
    Fault("the sentinel of the workers hangs", stops("sentinel"), 8, is_long=True),
    Fault("who takes messages for the workers hangs", stops("q_pusher"), 8, is_long=True),
    Fault("a web process hangs", stops("web"), 4, is_seen=True),
    Fault("the monitor hangs", stops("monitor"), 15, is_long=True),
    Fault("the database is restarted", restarts_the_database, 2, is_seen=True),
    Fault("the database hangs", stops_the_database, 4, is_seen=True, is_long=True),
    Fault("Redis is restarted", restarts_redis, 2),
    # as it is when it is restarted
    Fault("Redis is emptied", empties_redis, is_long=True),
    Fault("Redis hangs", stops_redis, 6, is_long=True),
    Fault("the storage hangs", stops_the_storage, 6, is_seen=True),
    Fault("the storage is full", refuses_to_store, 4, is_seen=True),
    Fault("the storage cannot be reached", fails_to_answer, 4, is_seen=True),
    Fault("the storage is slow", slows_the_storage, 5, is_long=True),
    Fault("a machine's clock is three hours ahead", sets_a_clock(3), 4, is_long=True),
    Fault("a machine's clock is three hours behind", sets_a_clock(-3), 4),
)
