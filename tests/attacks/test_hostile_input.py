"""Over-long and senseless input in every field, query, path and header: answered, never kept.

SQLite takes what PostgreSQL refuses with an error (NUL in a text, a text longer than its column, a
number of more than 64 bits), so that is looked for in every statement and row.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from django import forms
from django.contrib.auth.models import User
from django.db import connection, models, transaction
from django.db.models.signals import pre_save
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.attacks.access_table import ROWS
from tests.attacks.addresses import Address, all_addresses
from tests.attacks.forms import APPS, project_forms
from tests.attacks.inputs_table import (
    COMPARED,
    ELSEWHERE,
    ENDLESS,
    FORMS,
    HOSTILE,
    LARGE,
    LONG,
    NUMBER,
    QUERIES,
    READ_AS_NUMBERS,
    REFUSED,
    TEXTS,
)
from tests.attacks.places import Place, furnish
from tests.attacks.test_access import read_to_its_end, written_by
from tests.factories import standard
from tests.migration.console_pages import client_of
from tests.pktmask_site.api.scripts import bearer, issued_to

pytestmark = pytest.mark.django_db

ROOT: Final = Path(__file__).resolve().parents[2]
READ: Final = re.compile(r"\b(?:GET|POST|asked)\.get(?:list)?\(\s*\"([\w:]+)\"")
BY_NAME: Final = {each.name: each for each in all_addresses()}


@pytest.fixture(autouse=True)
def _quiet(tmp_path: Path, settings: Any) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "files"
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def place() -> Place:
    return furnish()


@pytest.fixture
def client() -> Client:
    user = User.objects.create_superuser("root", password="correct horse battery")
    client = client_of(user)
    client.raise_request_exception = False
    return client


def refuse_what_postgresql_refuses(execute: Any, sql: str, params: Any, *more: Any) -> Any:
    """Raise where PostgreSQL would."""
    for value in params if isinstance(params, (list, tuple)) else ():
        if isinstance(value, str) and ("\x00" in value or _is_half(value)):
            raise ValueError("PostgreSQL takes no such text")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise OverflowError("PostgreSQL takes no such number")
    return execute(sql, params, *more)


def _is_half(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def fits(sender: Any, instance: models.Model, **_: Any) -> None:
    """Raise where a text is longer than its column, as PostgreSQL would."""
    for field in instance._meta.concrete_fields:
        value = getattr(instance, field.attname)
        limit = getattr(field, "max_length", None)
        if limit and isinstance(value, str) and len(value) > limit:
            raise ValueError(f"{field} takes {limit} characters, not {len(value)}")


@contextmanager
def as_strict_as_postgresql() -> Iterator[CaptureQueriesContext]:
    """Take back at the end what was written; errors of the other database are errors here."""
    before = transaction.savepoint()
    connection.queries_log.clear()
    pre_save.connect(fits, weak=False, dispatch_uid="strict")
    try:
        with (
            CaptureQueriesContext(connection) as queries,
            connection.execute_wrapper(refuse_what_postgresql_refuses),
        ):
            yield queries
    finally:
        pre_save.disconnect(dispatch_uid="strict")
        transaction.savepoint_rollback(before)


def filled(address: Address, place: Place) -> str:
    row = ROWS.get(address.name)
    known = {**place.known, "mail": "email", "task": "audit_log", "form": "csv", "kind": "crash"}
    known |= {"rollout_id": place.rollout.pk, "act_name": "pause", "picture": "speed"}
    names = row.known if row else {}
    return address.filled({each: known[names.get(each, each)] for each in address.arguments})


def data_of(fields: Any, place: Place) -> dict[str, str]:
    known = {**place.known, "profile": standard().pk}
    return {
        name: str(known[text.strip("<>")]) if text.startswith("<") else text
        for name, text in fields.items()
    }


def encoded(data: dict[str, str]) -> str:
    """Return fields as a client sends them that does not care for the rules of characters."""
    return "&".join(
        f"{quote(name)}={quote(text.encode('utf-8', 'surrogatepass'))}"
        for name, text in data.items()
    )


def test_every_input_that_the_code_reads_is_attacked() -> None:
    known = {name for fields in (*QUERIES.values(), *FORMS.values()) for name in fields}
    read: dict[str, str] = {}
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            for name in READ.findall(path.read_text(encoding="utf-8")):
                read[name] = str(path)
    for form in project_forms():
        for name in form.base_fields:
            read[name] = f"{form.__module__}.{form.__qualname__}"
    assert {name: read[name] for name in read.keys() - known - ELSEWHERE.keys()} == {}


def test_every_text_of_a_form_has_an_end() -> None:
    endless = [
        f"{form.__qualname__}.{name}"
        for form in project_forms()
        for name, field in form.base_fields.items()
        if isinstance(field, forms.CharField) and field.max_length is None
    ]
    assert sorted(set(endless) - ENDLESS) == []


def test_no_query_breaks_a_page(place: Place, client: Client) -> None:
    wrong = []
    for (name, fields), (kind, value) in product(QUERIES.items(), HOSTILE.items()):
        with as_strict_as_postgresql():
            asked = encoded(dict.fromkeys(fields, value))
            answer = client.get(f"{filled(BY_NAME[name], place)}?{asked}")
        wrong += [(name, kind, each) for each in faults(answer)]
    assert not wrong, "\n".join(map(str, wrong))


def attacks() -> Iterator[tuple[str, str, str, str]]:
    """Yield the name of a form, one of its fields, and what is typed there, with its kind."""
    for name, fields in FORMS.items():
        for field in fields:
            kinds = HOSTILE if field in READ_AS_NUMBERS else TEXTS
            yield from ((name, field, kind, value) for kind, value in kinds.items())


def test_no_form_breaks_or_keeps_what_is_too_long_or_no_text(place: Place, client: Client) -> None:
    wrong = []
    for name, field, kind, value in attacks():
        data = {**data_of(FORMS[name], place), field: value}
        with as_strict_as_postgresql() as queries:
            answer = client.post(
                filled(BY_NAME[name], place),
                encoded(data),
                content_type="application/x-www-form-urlencoded",
            )
        wrong += [(name, field, kind, each) for each in faults(answer)]
        written = set(written_by(queries))
        if kind in REFUSED and field not in COMPARED and written:
            wrong.append((name, field, kind, f"wrote {written}"))
    assert not wrong, "\n".join(map(str, wrong))


# --- in paths -------------------------------------------------------------------------------------
IN_PATHS: Final = {
    "over-long": "x" * 5_000,
    "a large number": LARGE,
    "a long number": NUMBER,
    "nul": "%00",
    "line breaks": "%0d%0aX-Injected:%201",
    "a path": "..%2f..%2fetc%2fpasswd",
    "half a character": "%ed%a0%80",
    "markup": "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
}


def test_no_path_breaks_a_page(place: Place, client: Client) -> None:
    wrong = []
    models = {"admin:trimming_capture_change", "admin:auth_user_change"}
    for address in all_addresses():
        if not address.arguments or (address.name not in ROWS and address.name not in models):
            continue
        for kind, value in IN_PATHS.items():
            path = address.filled(dict.fromkeys(address.arguments, value))
            for send in (client.get, client.post):
                with as_strict_as_postgresql() as queries:
                    answer = send(path)
                wrong += [(address.name, kind, each) for each in faults(answer)]
                if written_by(queries):
                    wrong.append((address.name, kind, f"wrote {set(written_by(queries))}"))
    assert not wrong, "\n".join(map(str, wrong))


def test_nothing_that_a_script_asks_for_breaks_the_api(place: Place) -> None:
    headers, wrong = bearer(issued_to(place.owner)), []
    client = Client(raise_request_exception=False)
    asked = [f"/api/v1/captures?{field}=" for field in ("state", "search", "page", "other")]
    paths = [f"{each}{quote(value)}" for each in asked for value in (LONG, NUMBER, LARGE, "a\x00")]
    for address in all_addresses():
        if address.name.startswith("api:"):
            values = IN_PATHS.values() if address.arguments else ()
            paths += [address.filled(dict.fromkeys(address.arguments, each)) for each in values]
    for path in paths:
        with as_strict_as_postgresql():
            answer = client.get(path, headers=headers)
        wrong += [(path[:80], each) for each in faults(answer)]
        if answer["Content-Type"] != "application/problem+json" and answer.status_code >= 400:
            wrong.append((path[:80], answer["Content-Type"]))
    for value in IN_HEADERS.values():
        with as_strict_as_postgresql():
            answer = client.get("/api/v1/token", headers={"Authorization": f"Bearer {value}"})
        wrong += [(value[:80], each) for each in faults(answer)]
    assert not wrong, "\n".join(map(str, wrong))


# --- in headers -----------------------------------------------------------------------------------
HEADERS: Final = (
    *("Accept", "Accept-Language", "Accept-Encoding", "Authorization", "Content-Type", "Forwarded"),
    *("Host", "If-Modified-Since", "If-None-Match", "Origin", "Range", "Referer", "User-Agent"),
    *("X-CSRFToken", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Part"),
    *("X-Request-ID", "X-Real-IP", "Cookie"),
)
IN_HEADERS: Final = {
    "over-long": "x" * 60_000,
    "many parts": "a;q=0.1," * 5_000,
    "quoted nul": '"\\000\\000\\000\\000\\000\\000\\000\\000"',
    "no ASCII": "\xff\xfe\u00e4",
    "markup": "<script>alert(1)</script>",
    "a formula": "=cmd|' /C calc'!A0",
}


@pytest.mark.parametrize("cookie", ["sessionid", "csrftoken", "messages", "django_language"])
def test_no_cookie_breaks_a_page(cookie: str) -> None:
    for kind, value in IN_HEADERS.items():
        client = Client(headers={"Cookie": f"{cookie}={value}"})
        client.raise_request_exception = False
        for path in ("/", "/sign-in/"):
            with as_strict_as_postgresql() as queries:
                answer = client.get(path)
            assert not list(faults(answer)), (kind, path)
            assert written_by(queries) == []


def test_no_header_breaks_a_page_or_comes_back_from_it(client: Client) -> None:
    wrong = []
    for header, (kind, value) in product(HEADERS, IN_HEADERS.items()):
        for path in ("/password/", "/healthz"):
            with as_strict_as_postgresql():
                answer = client.get(path, headers={header: value})
            wrong += [(header, kind, path, each) for each in faults(answer)]
            wrong += [
                (header, kind, path, f"came back in {name}")
                for name, said in answer.items()
                if value in said
            ]
    assert not wrong, "\n".join(map(str, wrong))


def faults(answer: Any) -> Iterator[str]:
    """Say what is wrong with an answer to an attack."""
    if answer.status_code >= 500:
        found = getattr(answer, "exc_info", None)
        yield f"status {answer.status_code}: {found[1]!r}"[:200] if found else "an error"
    if "X-Injected" in answer:
        yield "a header was injected"
    content = b"" if answer.streaming else answer.content
    if answer.streaming:
        read_to_its_end(answer)
    if b"<script>alert(1)" in content:
        yield "markup came back as markup"
    if len(content) > 2_000_000:
        yield "a long answer"
