"""Plays the demo: traffic through the real upload, and what an operator and an approver would do.

Everything goes the way that people's wishes go; nothing is simulated.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from django.utils import timezone

from config.faults import type_and_place
from migration import approvals, operations
from migration.approvals import ApprovalRefusedError
from migration.choices import ApprovalState, RolloutState
from migration.models import Approval, Rollout
from migration.operations import RefusedError
from pktmask_site.demo.acts import Act, Seen, next_act
from pktmask_site.demo.people import APPROVER_NAME, OPERATOR_NAME, person
from trimming.load.captures import Size
from trimming.load.schedule import schedule
from trimming.load.sending import Session, send_all
from trimming.models import TrimRun

log = structlog.get_logger("pktmask.demo")

RATE: Final = 3.0
# an hour of traffic
CAPTURES: Final = int(RATE * 3600)
CONNECTIONS: Final = 4
# with which it approves; whoever else does has one of their own
REASON: Final = "nobody else came"


def send_traffic(url: str, password: str, is_stopping: Callable[[], bool], seed: int) -> None:
    """Send small captures until stopped; raises ServiceError where the service is gone."""
    session = Session(url)
    session.sign_in(OPERATOR_NAME, password)
    send_all(
        schedule(RATE, CAPTURES, {Size.SMALL: 1.0}, seed),
        session.upload,
        seed=seed,
        connections=CONNECTIONS,
        is_stopping=is_stopping,
    )


def look() -> Seen:
    """Return where it stands."""
    rollout = Rollout.objects.order_by("-pk").first()
    if rollout is None:
        return Seen(None, TrimRun.objects.filter(published_for__isnull=False).count())
    request = _waiting(rollout)
    waited = None if request is None else (timezone.now() - request.requested_at).total_seconds()
    return Seen(RolloutState(rollout.state), 0, waited)


def _waiting(rollout: Rollout) -> Approval | None:
    open_ones = Approval.objects.filter(
        step__phase__attempt__rollout=rollout, state=ApprovalState.WAITING
    )
    return open_ones.order_by("-requested_at").first()


def turn() -> Act | None:
    """Do what is due; return what was done."""
    act = next_act(look())
    if act is None:
        return None
    try:
        ACTS[act](timezone.now())
    except (RefusedError, ApprovalRefusedError) as error:
        # somebody else was first, or the evidence has turned: it is looked at anew
        log.info("demo_act_refused", act=act.value, why=str(error))
        return None
    return act


def _start(now: datetime) -> None:
    operations.begin("Demo", {}, person(OPERATOR_NAME), "the demo begins", now)


def _approve(now: datetime) -> None:
    rollout = Rollout.objects.order_by("-pk")[:1].get()
    request = _waiting(rollout)
    if request is not None:
        situation = operations.looked_at(rollout, now)
        approvals.approve(request, situation, person(APPROVER_NAME), REASON)


ACTS: Final[dict[Act, Callable[[datetime], None]]] = {Act.START: _start, Act.APPROVE: _approve}


class Traffic:
    """Traffic in a thread of its own; ``failure`` says what ended it early."""

    def __init__(self, url: str, password: str, seed: int) -> None:
        self.failure = ""
        self._is_over = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(url, password, seed), name="demo-traffic", daemon=True
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for what is on its way."""
        self._is_over.set()
        self._thread.join()

    def _run(self, url: str, password: str, seed: int) -> None:
        try:
            send_traffic(url, password, self._is_over.is_set, seed)
        except Exception as error:  # in a thread: whoever plays is told by `failure`
            if not self._is_over.is_set():
                self.failure = str(error)
                log.error("demo_traffic_ended", **type_and_place(error))
