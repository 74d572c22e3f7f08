"""Structured logs: what is in them, and what is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pktmask_site.logs import redact
from pktmask_site.redaction import REDACTED

ROOT = Path(__file__).parents[2]
PROGRAM = """
import logging, structlog
from pktmask_site.logs import logging_settings
logging_settings(as_json=True)
with structlog.contextvars.bound_contextvars(request_id="r-1", job_id="j-1"):
    structlog.get_logger("pktmask.test").info("hello", password="hunter2", packet=7, raw=b"abc")
    logging.getLogger("pktmask.plain").warning("plain %s", "words")
structlog.get_logger("pktmask.test").info("over")
"""
FAILING = """
import logging
from pathlib import Path
from pktmask_site.logs import logging_settings
logging_settings(as_json={as_json})
secret = "in a variable"
code = compile("def parse(data):\\n raise ValueError(data)\\n", {file!r}, "exec")
exec(code)
try:
    parse("the text")
except ValueError:
    logging.getLogger("pktmask.test").exception("failed")
"""


def test_values_that_must_not_be_written_are_overwritten() -> None:
    event = {
        "event": "x",
        "password": "a",
        "X-CSRFToken": "b",
        "Cookie": "c",
        "Authorization": "d",
        "body": "e",
        "payload_head": "f",
        "data": b"g",
        "packet": 7,
    }
    redacted = redact(None, "", dict(event))
    assert redacted == dict.fromkeys(event, REDACTED) | {"event": "x", "packet": 7}


def logged_by(program: str) -> str:
    """Run a program and return what it wrote to standard error."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


def test_in_production_a_line_is_one_object_with_the_ids_of_request_and_job() -> None:
    first, plain, over = (json.loads(line) for line in logged_by(PROGRAM).splitlines())
    assert first["message"] == "hello"
    ours = first["pktmask"]
    assert (first["http"]["request"]["id"], ours["job_id"], ours["packet"]) == ("r-1", "j-1", 7)
    assert (ours["password"], ours["raw"]) == (REDACTED, REDACTED)
    assert (first["log.level"], first["log"]["logger"]) == ("info", "pktmask.test")
    assert first["ecs.version"]
    assert (plain["message"], plain["http"]["request"]["id"]) == ("plain words", "r-1")
    assert "http" not in over


@pytest.mark.parametrize("as_json", [True, False])
def test_an_exception_is_told_with_its_place_and_without_variables(as_json: bool) -> None:
    written = logged_by(FAILING.format(as_json=as_json, file="/app/trimming/views/pages.py"))
    assert "ValueError: the text" in written
    assert "pages.py" in written
    assert "in a variable" not in written
    if as_json:
        assert "ValueError" in json.loads(written)["error"]["stack_trace"]


@pytest.mark.parametrize("as_json", [True, False])
def test_the_text_of_an_exception_from_the_engine_is_left_out(as_json: bool) -> None:
    written = logged_by(FAILING.format(as_json=as_json, file="/app/trimming/engine/plan.py"))
    assert "ValueError" in written
    assert "plan.py" in written
    assert "the text" not in written
