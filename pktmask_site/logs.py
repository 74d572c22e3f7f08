"""Structured logs: one JSON object a line (ECS fields) in production, readable lines locally.

Never payload, never secrets: see redaction.
"""

from __future__ import annotations

import logging
import logging.config
import os
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO

import ecs_logging
import structlog
from structlog.typing import ExcInfo

from pktmask_site.ecs import ECS_VERSION, MODULE, as_ecs
from pktmask_site.log_files import WholeLines
from pktmask_site.redaction import REDACTED, redacted, scrubbed

ENGINE_FOLDER = os.path.join("trimming", "engine")
MAX_FRAMES = 30
# where lines may go, besides into a file
STREAMS: Final = ("stderr", "stdout")
Event = MutableMapping[str, Any]


def redact(_: Any, __: str, event: Event) -> Event:
    """Overwrite what must not be written, also within values."""
    found: Event = redacted(event)
    return found


class HideBytes(logging.Filter):
    """Overwrites raw bytes among the arguments of a message before it is put together."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        if isinstance(record.args, tuple):
            record.args = tuple(REDACTED if _is_raw(each) else each for each in record.args)
        return True


def _is_raw(value: object) -> bool:
    return isinstance(value, bytes | bytearray | memoryview)


def told_exception(exc_info: ExcInfo) -> str:
    """Return where an exception happened, without the values of variables.

    The text of one that came through the engine is left out too: it may quote a capture.
    """
    kind, error, trace = exc_info
    lines = [
        f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        for frame in traceback.extract_tb(trace, limit=-MAX_FRAMES)
    ]
    in_engine = any(ENGINE_FOLDER in line for line in lines)
    left_out = "(its text is left out: it came through the engine)"
    text = left_out if in_engine else on_one_line(str(error))
    return scrubbed("\n".join(["Traceback (innermost last):", *lines, f"{kind.__name__}: {text}"]))


def on_one_line(text: str) -> str:
    """Return a text without what a terminal obeys, or takes for the next line.

    What people and programs send stands in events; JSON escapes it by itself.
    """
    if text.isprintable():
        return text
    shown = (
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
    return "".join(shown)


def _as_lines(_: Any, __: str, event: Event) -> Event:
    return {on_one_line(str(name)): _printable(value) for name, value in event.items()}


def _printable(value: Any) -> Any:
    return on_one_line(value) if isinstance(value, str) else value


def _tell_on_console(stream: TextIO, exc_info: ExcInfo) -> None:
    stream.write("\n" + told_exception(exc_info))


def _in_ecs(_: Any, __: str, event: Event) -> Event:
    """Put an event into the fields of the schema, without what structlog noted beside it."""
    is_ours = bool(event.pop("_from_structlog"))
    del event["_record"]
    found = as_ecs(event, is_ours=is_ours)
    return {**found, "process.pid": os.getpid(), "service.name": MODULE}


class _Formatter(ecs_logging.StructlogFormatter):
    """Names the version of the schema that our fields are of."""

    def format_to_ecs(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return what is written."""
        found: dict[str, Any] = super().format_to_ecs({**event, "ecs.version": ECS_VERSION})
        return found


def _shared(*, as_json: bool) -> list[Any]:
    """Return what is done to every event, ours and those of other libraries."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(
            fmt="iso", utc=True, key="@timestamp" if as_json else "timestamp"
        ),
        redact,
    ]


def line_formatter(*, as_json: bool) -> logging.Formatter:
    """Return what makes a line of a record."""
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    told = structlog.processors.ExceptionRenderer(told_exception)
    in_json: Any = _Formatter()  # its types are narrower than those of a processor
    on_console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=_tell_on_console)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(as_json=as_json),
        processors=([told, _in_ecs, in_json] if as_json else [without_meta, _as_lines, on_console]),
    )


def logging_settings(*, as_json: bool, to: str = "stderr") -> None:
    """Set up structlog and the standard library's logging for this process.

    ``to`` is one of STREAMS, or the path of a file.
    """
    structlog.configure(
        processors=[
            *_shared(as_json=as_json),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"hide_bytes": {"()": HideBytes}},
            "formatters": {"line": {"()": lambda: line_formatter(as_json=as_json)}},
            "handlers": {"lines": {**_handler(to), "formatter": "line", "filters": ["hide_bytes"]}},
            "root": {"handlers": ["lines"], "level": "WARNING"},
            "loggers": {
                # a terminal shows what needs a person; a log keeps everything
                "pktmask": {"level": "INFO" if as_json else "WARNING"},
                # the channel of alerts: what is delivered to it is written
                "pktmask.alert": {"level": "INFO"},
                "django": {"level": "WARNING"},
                "django-q": {"level": "WARNING"},
            },
        }
    )


def _handler(to: str) -> dict[str, Any]:
    if to in STREAMS:
        return {"class": "logging.StreamHandler", "stream": getattr(sys, to)}
    return {"()": WholeLines, "path": Path(to)}
