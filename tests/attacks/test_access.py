"""Every address, asked for by everybody: what the table allows happens, and nothing else."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR
from tests.attacks.access_table import (
    ADMIN_ROWS,
    GONE,
    IN,
    MODELS,
    NO,
    NOBODY,
    NONE,
    OWNER,
    PAGES_OF_MODELS,
    ROWS,
    STAFF,
    TOKEN,
    WHO,
    YES,
    Row,
)
from tests.attacks.addresses import Address, all_addresses
from tests.attacks.places import Place, furnish
from tests.factories import make_capture, make_job, make_user
from tests.migration.console_pages import client_of, staff
from trimming.jobs import cancel
from trimming.models import Capture

pytestmark = pytest.mark.django_db

STATUS: Final = {403: NO, 404: GONE, 401: TOKEN, 405: NONE}
WRITES: Final = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) \"(\w+)")
# who was there, and that alerts were looked through, is noted there whatever is asked
NOTES: Final = frozenset({"django_session", "monitoring_alertclock"})
ADMIN: Final = [each for each in all_addresses() if each.name.startswith("admin:")]
CONSOLE: Final = [each for each in all_addresses() if not each.pattern.startswith("admin/")]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "files"
    # from this machine figures need no token; the attacker sits elsewhere
    monkeypatch.setenv("PKTMASK_EXPOSITION__NETWORKS", "192.0.2.0/24")
    # a thousand refusals are logged with their places, which is most of the time
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def place() -> Place:
    return furnish()


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is written meanwhile, so that one place serves all."""
    before = transaction.savepoint()
    yield
    transaction.savepoint_rollback(before)


def outcome(answer: Any) -> str:
    """Return what an answer is, in the words of the table."""
    if answer.status_code == 302 and answer["Location"].startswith(("/sign-in/", "/admin/login/")):
        return IN
    return STATUS.get(answer.status_code, YES)


def people(place: Place) -> dict[str, Client]:
    roles = {who: client_of(make_user(who)) for who in WHO if who not in (NOBODY, OWNER)}
    return {NOBODY: Client(), **roles, OWNER: client_of(place.owner)}


def path_of(address: Address, row: Row, place: Place) -> str:
    known = {
        **place.known,
        "picture": "speed",
        "document": "alerts",
        "help_picture": "captures.webp",
        "mail": "email",
        "task": "audit_log",
        "form": "csv",
        "kind": "crash",
    }
    return address.filled({each: known[row.known.get(each, each)] for each in address.arguments})


def written_by(queries: CaptureQueriesContext) -> list[str]:
    """Return the tables that were written, but for notes."""
    found = [match.group(2) for each in queries if (match := WRITES.match(each["sql"]))]
    return [table for table in found if table not in NOTES]


@async_to_sync
async def read_to_its_end(answer: Any) -> None:
    async for _ in answer.streaming_content:
        pass


def asked(client: Client, method: str, path: str, row: Row) -> tuple[str, list[str]]:
    """Return what came of it, and the tables that were written."""
    with undone(), CaptureQueriesContext(connection) as queries:
        send = client.get if method == "get" else client.post
        answer = send(path, row.data, headers={"Accept": "text/html"})
        if answer.streaming:
            read_to_its_end(answer)
        found = outcome(answer)
    return found, written_by(queries)


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert {each.name for each in CONSOLE} | {"admin/password_change/"} == set(ROWS)
    models = {
        f"admin:{label.replace('.', '_')}_{page}" for label in MODELS for page in PAGES_OF_MODELS
    }
    # the admin leads from /add to /add/ and the like
    leads = {each.name for each in ADMIN if not each.name.startswith("admin:")}
    assert leads == set()
    found = {each.name for each in all_addresses() if each.pattern.startswith("admin/")}
    by_path = {name for name in found if name.startswith("admin/")}
    shortcuts = {name for name in by_path if name.endswith("/<path:object_id>/")}
    assert found - shortcuts - {"admin/password_change/"} == models | ADMIN_ROWS
    assert {each._meta.label_lower for each in admin.site._registry} == set(MODELS)


def test_each_is_answered_as_its_row_says_and_a_refusal_writes_nothing(place: Place) -> None:
    clients = people(place)
    wrong = []
    for address in all_addresses():
        row = ROWS.get(address.name)
        if row is None or address.name == "logout":
            continue
        path = path_of(address, row, place)
        for method, columns in (("get", row.get), ("post", row.post)):
            for who, wanted in zip(WHO, columns, strict=True):
                found, written = asked(clients[who], method, path, row)
                # signed in already, so led on
                if found != wanted or (wanted != YES and written):
                    wrong.append((method, address.name, who, wanted, found, written))
    assert wrong == []


def test_each_post_needs_the_token_of_a_page(place: Place) -> None:
    user = staff(ADMINISTRATOR)
    wrong = []
    for address in all_addresses():
        row = ROWS.get(address.name)
        if row is None or YES not in row.post:
            continue
        for who in (NOBODY, OWNER, APPROVER, ADMINISTRATOR):
            client = Client(enforce_csrf_checks=True)
            if who != NOBODY:
                client.force_login({OWNER: place.owner}.get(who, user))
            found, written = asked(client, "post", path_of(address, row, place), row)
            if found != NO or written:
                wrong.append((address.name, who, found, written))
    assert wrong == []


def test_objects_that_there_are_not_are_told_as_those_of_others_are(place: Place) -> None:
    client = client_of(make_user(OPERATOR))
    made_up = "00000000-0000-4000-8000-000000000000"
    for address in CONSOLE:
        # scripts are asked for a token first: tests/pktmask_site/api
        if "capture_id" not in address.arguments or address.name.startswith("api:"):
            continue
        row = ROWS[address.name]
        send = client.get if YES in row.get else client.post
        answers = [
            send(address.filled({"capture_id": each})) for each in (made_up, place.capture.pk)
        ]
        assert {answer.status_code for answer in answers} == {404}
        pages = [
            re.sub(r'content="[^"]+"|[0-9a-f-]{36}', "", each.content.decode()) for each in answers
        ]
        assert pages[0] == pages[1]


def test_ids_of_others_among_own_ones_are_left_out_of_an_archive(place: Place) -> None:
    client = client_of(make_user(OPERATOR))
    answer = client.post("/captures/archive/", {"ids": [str(place.capture.pk)]})
    assert answer.status_code == 302
    assert "Content-Disposition" not in answer


# --- the admin ------------------------------------------------------------------------------------


def admin_path(label: str, page: str, *args: Any) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


def test_who_is_neither_staff_nor_approver_is_let_into_no_page_of_the_admin(place: Place) -> None:
    for client in (Client(), client_of(make_user(ADMINISTRATOR)), client_of(place.owner)):
        for label in MODELS:
            for page in PAGES_OF_MODELS:
                args = () if page in ("changelist", "add") else ("1",)
                for send in (client.get, client.post):
                    assert outcome(send(admin_path(label, page, *args))) == IN, (label, page)
        for path in ("/admin/", "/admin/jsi18n/", "/admin/autocomplete/", "/admin/trimming/"):
            assert outcome(client.get(path)) == IN, path


@pytest.mark.parametrize("role", STAFF)
def test_staff_see_and_change_rows_as_the_table_says(place: Place, role: str) -> None:
    client = client_of(make_user(role) if role == APPROVER else staff(role))
    wrong = []
    for model in admin.site._registry:
        label = model._meta.label_lower
        row, newest = MODELS[label], model._default_manager.order_by("pk").last()
        pk = newest.pk if newest else 0
        looks, changes = role in row.look, role in row.change
        is_there = newest is not None and not (row.owned and role != ADMINISTRATOR)
        wanted = {
            ("get", "changelist"): YES if looks else NO,
            ("get", "add"): YES if changes else NO,
            ("post", "add"): YES if changes else NO,
            ("get", "delete"): NO,
            ("post", "delete"): NO,
            ("post", "change"): YES if changes else NO,
        }
        if is_there:
            wanted |= {(("get", page)): YES if looks else NO for page in ("change", "history")}
        if label == "migration.approval":
            del wanted["post", "change"]
        for (method, page), allowed in wanted.items():
            args = () if page in ("changelist", "add") else (pk,)
            with undone(), CaptureQueriesContext(connection) as queries:
                answer = getattr(client, method)(admin_path(label, page, *args))
            written = written_by(queries)
            if outcome(answer) != allowed or (allowed == NO and written):
                wrong.append((label, method, page, allowed, answer.status_code, written))
    assert wrong == []


OWNED: Final = sorted(label for label, row in MODELS.items() if row.owned)


@pytest.mark.parametrize("role", [role for role in STAFF if role != ADMINISTRATOR])
def test_in_the_admin_there_are_no_rows_of_captures_of_others(place: Place, role: str) -> None:
    Capture.objects.update(name="a-name-that-tells.pcap")
    user = make_user(role) if role == APPROVER else staff(role)
    client = client_of(user)
    seen = []
    for model in admin.site._registry:
        label = model._meta.label_lower
        if role not in MODELS[label].look:
            continue
        pages = [client.get(admin_path(label, "changelist"))]
        newest = model._default_manager.order_by("pk").last()
        if newest is not None:
            answers = [
                client.get(admin_path(label, page, newest.pk)) for page in ("change", "history")
            ]
            if label in OWNED:
                # led to the index, as for what there is not
                assert {each.status_code for each in answers} == {302}, label
            pages += answers
        seen += [label for page in pages if b"a-name-that-tells" in page.content]
    assert seen == []
    # their own are there
    own = make_capture(user, name="mine.pcap")
    assert b"mine.pcap" in client.get(admin_path("trimming.capture", "changelist")).content
    assert client.get(admin_path("trimming.capture", "change", own.pk)).status_code == 200


def test_an_action_of_the_admin_does_nothing_to_jobs_of_others() -> None:
    jobs = {"cancel_jobs": make_job(make_user()), "retry_jobs": make_job(make_user())}
    cancel(jobs["retry_jobs"].pk)
    client = client_of(staff(OPERATOR))
    for action, job in jobs.items():
        data = {"action": action, "_selected_action": [str(job.pk)]}
        with CaptureQueriesContext(connection) as queries:
            answer = client.post(admin_path("trimming.trimjob", "changelist"), data)
        assert answer.status_code == 302
        assert written_by(queries) == []


@pytest.mark.parametrize(
    "lookup",
    [
        "owner__password__startswith=x",
        "owner__password=x",
        "current_job__requested_by__password__startswith=x",
        "owner__groups__name=x",
        "owner__is_superuser=1",
    ],
)
def test_no_filter_of_the_admin_tells_secrets_by_guessing(place: Place, lookup: str) -> None:
    client = client_of(staff(ADMINISTRATOR))
    answer = client.get(f"{admin_path('trimming.capture', 'changelist')}?{lookup}")
    assert answer.status_code == 400


def test_the_way_from_an_id_to_its_page_tells_nothing_of_captures_of_others(place: Place) -> None:
    from django.contrib.contenttypes.models import ContentType

    kind = ContentType.objects.get_for_model(Capture).pk
    client = client_of(make_user(APPROVER))
    answer = client.get(f"/admin/r/{kind}/{place.capture.pk}/")
    assert answer.status_code == 302
    assert client.get(answer["Location"].split("testserver")[-1]).status_code == 404
