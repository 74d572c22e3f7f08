"""Each role sees and can do exactly what it should: one table of pages and actions.

The columns are a person who is not signed in, and the four roles.  ``yes`` is done or shown, ``no``
is refused (403), ``in`` leads to the sign-in (302).  Into the admin come staff and approvers; that
others do not is asked apart.  What is refused must change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from django.contrib.admin import site
from django.db import transaction
from django.test import Client
from django.urls import reverse

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from migration import limits_changes, operations, urls
from migration.acts import ACTS, DRILL
from migration.choices import ApprovalState, Move, PhaseName
from migration.models import Approval, Decision, Rollout, Suspect
from tests.factories import make_user
from tests.migration.console_pages import at_the_time_of, client_of, staff
from tests.migration.test_approvals import asked
from tests.migration.test_suspects import rolled_back
from tests.migration.traffic import QUICK, Service, all_rows, in_gate, in_phase, move

pytestmark = pytest.mark.django_db

NOBODY: Final = "anonymous"
WHO: Final = (NOBODY, VIEWER, OPERATOR, APPROVER, ADMINISTRATOR)
# refused, or led to the sign-in; everything else is an answer
REFUSED: Final = {"no": 403, "in": 302}
WHY: Final = {"reason": "the table asks"}


@dataclass(frozen=True)
class Place:
    """A service with a rollout, and what the request is about."""

    service: Service
    rollout: Rollout
    about: dict[str, Any] = field(default_factory=dict)


def running() -> Place:
    return Place(*in_phase(PhaseName.GRADUAL))


def draft() -> Place:
    service = Service()
    return Place(service, operations.create("a rollout", QUICK, None, service.now))


def nothing() -> Place:
    service = Service()
    return Place(service, Rollout())


def paused() -> Place:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.PAUSE)
    return Place(service, rollout)


def ready() -> Place:
    return Place(*in_gate())


def gone_back() -> Place:
    service, rollout, _runs = rolled_back("leak", served=1)
    return Place(service, rollout, {"suspect": Suspect.objects.get().pk})


def waiting() -> Place:
    service, rollout, approval = asked()
    return Place(service, rollout, {"approval": approval.pk})


def proposed() -> Place:
    service, rollout = in_phase(PhaseName.AB_TEST)
    version = limits_changes.propose(rollout, {"ab_runs": 7}, None, "a test", service.now)
    limits_changes.back_test_waiting(service.now)
    return Place(service, rollout, {"version": version.number})


def decided() -> Place:
    service, rollout = in_phase(PhaseName.GRADUAL)
    return Place(service, rollout, {"decision": Decision.objects.order_by("-pk")[0].pk})


@dataclass(frozen=True)
class Ask:
    """What is asked for: a page by its name, with arguments that are those of the place.

    With ``data`` something is done, and a reason is sent along; a value in <> is of the place, too.
    """

    name: str
    about: tuple[str, ...] = ()
    data: Mapping[str, str] | None = None

    def send(self, client: Client, place: Place) -> Any:
        """Ask for it."""
        known = {"rollout": place.rollout.pk, **place.about}
        where = reverse(self.name, args=[known.get(each, each) for each in self.about])
        if self.data is None:
            return client.get(where)
        sent = {key: known.get(value.strip("<>"), value) for key, value in self.data.items()}
        return client.post(where, {**WHY, **sent})


def act(name: str) -> Ask:
    return Ask("migration:act", ("rollout",), {"act": name, "word": "abort"})


def admin_act(name: str) -> Ask:
    return Ask("admin:migration_rollout_act", ("rollout", name), {"word": "abort"})


def decide(what: str) -> Ask:
    return Ask("admin:migration_approval_change", ("approval",), {"decide": what})


LOOK: Final = ("in", "yes", "yes", "yes", "yes")
OPERATE: Final = ("in", "no", "yes", "no", "yes")
ABORT: Final = ("in", "no", "yes", "yes", "yes")
APPROVE: Final = ("in", "no", "no", "yes", "no")
Row = tuple[str, Callable[[], Place], Ask, tuple[str, ...]]

# name, what there is, what is asked, and for: nobody, viewer, operator, approver, administrator
CONSOLE: Final[tuple[Row, ...]] = (
    ("rollout", running, Ask("migration:page"), LOOK),
    ("rollout of a number", running, Ask("migration:rollout", ("rollout",)), LOOK),
    ("parts of it", running, Ask("migration:data", ("rollout",)), LOOK),
    ("replay", decided, Ask("migration:replay", ("decision",), {}), LOOK),
    ("form to start one", nothing, Ask("migration:start"), OPERATE),
    (
        "start another",
        nothing,
        Ask("migration:start", (), {"name": "mine", "do": "start"}),
        OPERATE,
    ),
    ("start", draft, act("start"), OPERATE),
    ("pause", running, act("pause"), OPERATE),
    ("resume", paused, act("resume"), OPERATE),
    ("promote", ready, act("promote"), OPERATE),
    ("restart", gone_back, act("restart"), OPERATE),
    ("drill", running, act(DRILL), OPERATE),
    ("abort", running, act("abort"), ABORT),
    ("suspects", gone_back, Ask("migration:suspects", ("rollout",)), LOOK),
    (
        "run one again",
        gone_back,
        Ask("migration:rerun", ("rollout",), {"ids": "<suspect>"}),
        OPERATE,
    ),
    ("run all again", gone_back, Ask("migration:rerun", ("rollout",), {"which": "all"}), OPERATE),
    ("release", gone_back, Ask("migration:release", ("rollout", "suspect"), {}), APPROVE),
    ("limits", proposed, Ask("migration:limits", ("rollout",)), LOOK),
    (
        "propose limits",
        running,
        Ask("migration:limits", ("rollout",), {"limit:step_runs": "9"}),
        OPERATE,
    ),
    (
        "approve limits",
        proposed,
        Ask("migration:approve_limits", ("rollout", "version"), {}),
        APPROVE,
    ),
)
ADMIN: Final[tuple[Row, ...]] = (
    *(
        (f"list of {name}", running, Ask(f"admin:migration_{name}_changelist"), LOOK)
        for name in sorted(
            (
                *("approval", "attempt", "decision", "evaluation", "evidencearchive"),
                *("finalreport", "importedevidence", "limitsversion", "phase"),
                *("rollbackdrill", "rollout", "step", "suspect"),
            )
        )
    ),
    ("a rollout", running, Ask("admin:migration_rollout_change", ("rollout",)), LOOK),
    ("a decision", decided, Ask("admin:migration_decision_change", ("decision",)), LOOK),
    ("a request", waiting, Ask("admin:migration_approval_change", ("approval",)), LOOK),
    ("a suspect", gone_back, Ask("admin:migration_suspect_change", ("suspect",)), LOOK),
    ("admin start", draft, admin_act("start"), OPERATE),
    ("admin pause", running, admin_act("pause"), OPERATE),
    ("admin resume", paused, admin_act("resume"), OPERATE),
    ("admin promote", ready, admin_act("promote"), OPERATE),
    ("admin restart", gone_back, admin_act("restart"), OPERATE),
    ("admin drill", running, admin_act(DRILL), OPERATE),
    ("admin abort", running, admin_act("abort"), ABORT),
    (
        "page that asks why",
        running,
        Ask("admin:migration_rollout_act", ("rollout", "pause")),
        OPERATE,
    ),
)
# the page answers those who may look; who may not decide is refused with the reason, and 422
DECIDE: Final = (("approve", ApprovalState.APPROVED), ("reject", ApprovalState.REJECTED))
ROWS: Final = [
    pytest.param(make, ask, columns, id=name) for name, make, ask, columns in (*CONSOLE, *ADMIN)
]
# what is done by a POST and changes nothing
CHANGES_NOTHING: Final = {"migration:replay"}


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    for mode in ("COMPARISON", "AB_TEST", "SCANNING"):
        monkeypatch.setenv(f"PKTMASK_ROUTING__PERMIT_{mode}", "true")


def client_for(who: str, *, is_staff: bool) -> Client:
    if who == NOBODY:
        return Client()
    # an approver's queue is in the admin, so they need not be staff
    return client_of(staff(who) if is_staff and who != APPROVER else make_user(who))


@contextmanager
def undone() -> Iterator[None]:
    """Take back at the end what is written meanwhile, so that one place serves all roles.

    Not by an atomic block: moves are refused within one that is not the test's.
    """
    before = transaction.savepoint()
    yield
    transaction.savepoint_rollback(before)


@pytest.mark.parametrize(("make", "ask", "columns"), ROWS)
def test_each_role_is_answered_as_the_table_says(
    make: Callable[[], Place], ask: Ask, columns: tuple[str, ...]
) -> None:
    place = make()
    for who, wanted in zip(WHO, columns, strict=True):
        with undone():
            client = client_for(who, is_staff=ask.name.startswith("admin:"))
            before = all_rows()
            with at_the_time_of(place.service), place.service.same_draw():
                answer = ask.send(client, place)
            if wanted != "yes":
                assert_refused(answer, wanted, who)
                assert all_rows() == before, who
                continue
            is_done = ask.data is not None and ask.name not in CHANGES_NOTHING
            assert answer.status_code == (302 if is_done else 200), who
            assert (all_rows() != before) == is_done, who


def assert_refused(answer: Any, wanted: str, who: str) -> None:
    assert answer.status_code == REFUSED[wanted], who
    if wanted == "in":
        assert "sign-in" in answer["Location"] or "login" in answer["Location"], who


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(("what", "state"), DECIDE)
def test_only_an_approver_decides_a_request(what: str, state: ApprovalState, who: str) -> None:
    place = waiting()
    client = client_for(who, is_staff=True)
    before = all_rows()
    with at_the_time_of(place.service):
        answer = decide(what).send(client, place)
    if who == APPROVER:
        assert answer.status_code == 302
        assert Approval.objects.get().state == state
        return
    assert answer.status_code == (302 if who == NOBODY else 422)
    assert all_rows() == before


@pytest.mark.parametrize("who", [VIEWER, OPERATOR, ADMINISTRATOR])
def test_who_may_not_enter_the_admin_does_nothing_there(who: str) -> None:
    place = waiting()
    client = client_of(make_user(who))
    before = all_rows()
    with at_the_time_of(place.service):
        asks = [ask for _name, _make, ask, _columns in ADMIN if not {*ask.about} - {"rollout"}]
        for ask in (*asks, decide("approve"), decide("reject"), admin_act("abort")):
            assert ask.send(client, place).status_code == 302
    assert all_rows() == before


# --- the table is whole ---------------------------------------------------------------------------


def test_each_page_of_the_console_is_in_the_table() -> None:
    names = {f"migration:{each.name}" for each in urls.urlpatterns}
    assert names == {ask.name for _name, _make, ask, _columns in CONSOLE}


def test_each_model_of_the_admin_is_in_the_table() -> None:
    models = [model for model in site._registry if model._meta.app_label == "migration"]
    names = {f"admin:migration_{model._meta.model_name}_changelist" for model in models}
    lists = {ask.name for name, _make, ask, _columns in ADMIN if name.startswith("list of ")}
    assert names == lists


def test_each_thing_to_do_is_in_the_table() -> None:
    asks = [ask for _name, _make, ask, _columns in (*CONSOLE, *ADMIN)]
    for each in ACTS:
        assert act(each.name) in asks
        assert admin_act(each.name) in asks
