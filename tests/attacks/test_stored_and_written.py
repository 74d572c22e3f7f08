"""What somebody made up and the service stores, shows or logs: text, on one line, of one row."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from django.apps import apps

from pktmask_site.logs import line_formatter
from tests.captures import Conversation, request, response
from tests.captures.pcapng_files import (
    custom,
    enhanced,
    interface,
    names,
    pcapng,
    secrets,
    section_header,
    statistics,
)
from tests.factories import make_job, make_user
from tests.trimming.admin_pages import client_of, staff
from tests.trimming.results import finish
from trimming.archive_names import distinct, result_name
from trimming.models import Capture, TrimRun
from trimming.runner import run_job

MARK: Final = "planted-by-an-attacker"
MARKUP: Final = f"<script>{MARK}</script>"
NAMES: Final = (
    '"; filename="evil.html',
    "a\r\nSet-Cookie: planted=1\r\n\r\n",
    "../../../etc/passwd",
    "..\\..\\windows\\system32",
    "a\u202egpj.exe",
    "\x00",
    "\x1b[2J\x1b]0;title\x07",
    f"{MARKUP}.pcap",
    "x" * 255,
    "con.pcap",
    "ünï çödé 例.pcap",
)


# --- names in downloads ---------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_no_name_adds_a_header_or_a_path_to_a_download(
    name: str, tmp_path: Path, settings: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    owner = make_user()
    job = make_job(owner)
    finish(job)
    # uploads refuse such names; a row may have come from elsewhere
    Capture.objects.filter(pk=job.capture_id).update(name=name)
    answer = client_of(owner).get(f"/captures/{job.capture_id}/download/")
    assert answer.status_code == 200
    said = answer["Content-Disposition"]
    assert said.startswith("attachment; filename")
    assert not re.search(r"[\x00-\x1f\x7f/\\]", said.replace('\\"', ""))
    assert "Set-Cookie" not in answer
    assert answer["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_no_name_leaves_the_folder_into_which_an_archive_is_unpacked() -> None:
    made = list(distinct(result_name(each, False) for each in NAMES))
    assert len({each.casefold() for each in made}) == len(NAMES)
    for each in made:
        assert not re.search(r"[\x00-\x1f\x7f/\\]", each)
        assert each.strip(". ")


# --- lines of logs --------------------------------------------------------------------------------
INJECTED: Final = "a\n2026-01-01T00:00:00Z [info] sign_in actor=root\r\x1b[2J\x00\u2028\u202e\x85b"


@pytest.fixture(params=[True, False], ids=["json", "console"])
def lines(request: pytest.FixtureRequest) -> Iterator[tuple[logging.Logger, StringIO]]:
    """A logger with the formatter of the service, and what it writes."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(line_formatter(as_json=request.param))
    logger = logging.getLogger("pktmask.attacked")
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)


def test_what_is_logged_of_a_request_stays_on_one_line(
    lines: tuple[logging.Logger, StringIO],
) -> None:
    logger, stream = lines
    logger.warning("Not Found: %s", INJECTED)
    logger.warning(
        {"event": "alerts_acknowledged", "who": INJECTED, "note": INJECTED, "alerts": [INJECTED]}
    )
    logger.warning({"event": INJECTED, INJECTED: 1})
    written = stream.getvalue()
    assert len(written.splitlines()) == 3
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u2028\u2029\u202e]", written)


def test_the_text_of_an_exception_adds_no_line_of_its_own(
    lines: tuple[logging.Logger, StringIO],
) -> None:
    logger, stream = lines
    try:
        raise ValueError(INJECTED)
    except ValueError:
        logger.exception("failed")
    assert "\n2026-01-01" not in stream.getvalue()
    assert not re.search("[\x00\x1b\u202e]", stream.getvalue())


# --- what stands in captures ----------------------------------------------------------------------
COMMENT: Final = 1


def marked_capture() -> bytes:
    """Return a capture with markup wherever it can hold a text."""
    text = MARKUP.encode()
    talk = Conversation()
    fields = ((f"X-{MARK}", MARKUP), ("Host", f"{MARK}.example"), ("User-Agent", MARKUP))
    talk.client(request(MARK.upper(), f"/{MARKUP}?{MARK}", fields))
    talk.server(response(200, MARKUP, (("Server", MARKUP),), body=text))
    return pcapng(
        [
            interface(options=[(COMMENT, text), (2, text), (3, text)]),
            names([("10.0.0.2", MARKUP)]),
            secrets(text),
            custom(text),
            *(enhanced(packet, options=[(COMMENT, text)]) for packet in talk.packets),
            statistics(options=[(COMMENT, text)]),
            section_header(options=[(COMMENT, text), (2, text), (3, text), (4, text)]),
        ]
    )


@pytest.mark.django_db
@pytest.mark.parametrize("cut_bytes", [0, 70, 500])
def test_nothing_that_stands_in_a_capture_is_stored_shown_or_logged(
    cut_bytes: int,
    tmp_path: Path,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings.MEDIA_ROOT, settings.WORK_ROOT = tmp_path / "files", tmp_path / "work"
    settings.WORK_ROOT.mkdir()
    data = marked_capture()
    job = make_job(make_user(), data[: len(data) - cut_bytes])
    run_job(job.pk, "one/1")
    run = TrimRun.objects.get(job=job)
    assert run.messages
    with run.output.open() as file:
        assert file.read().count(MARK.encode()) > 10  # comments and headers are kept
    boss = client_of(staff())
    pages = [
        boss.get(path).content.decode()
        for path in (
            "/captures/",
            f"/captures/{job.capture_id}/",
            f"/admin/trimming/trimrun/{run.pk}/change/",
            f"/admin/trimming/trimjob/{job.pk}/change/",
            "/audit/",
            "/",
        )
    ]
    rows = [
        str(list(model._default_manager.values()))
        for model in apps.get_models()
        if model._meta.managed
    ]
    written = "".join(capfd.readouterr()) + caplog.text
    assert [each for each in (*pages, *rows, written) if MARK in each] == []
