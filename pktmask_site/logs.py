"""Structured logs: one JSON object a line (ECS fields) in production, readable lines locally.

Never payload, never secrets: keys that could hold them are dropped whatever a caller does.
"""

from __future__ import annotations

import logging
import logging.config
import os
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import ecs_logging
import structlog
from structlog.typing import ExcInfo

# the value of a key with one of these in its name is never written
REDACTED_KEYS = (
    "password",
    "secret",
    "token",
    "cookie",
    "authorization",
    "payload",
    "body",
    "csrf",
)
REDACTED = "[redacted]"
ENGINE_FOLDER = os.path.join("trimming", "engine")
MAX_FRAMES = 30


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Overwrite values whose key says that they must not be written; raw bytes never are."""
    for key, value in event.items():
        named = any(part in key.lower() for part in REDACTED_KEYS)
        if named or isinstance(value, bytes | bytearray | memoryview):
            event[key] = REDACTED
    return event


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
    text = "(its text is left out: it came through the engine)" if in_engine else str(error)
    return "\n".join(["Traceback (innermost last):", *lines, f"{kind.__name__}: {text}"])


def _tell_on_console(stream: TextIO, exc_info: ExcInfo) -> None:
    stream.write("\n" + told_exception(exc_info))


def logging_settings(*, as_json: bool) -> None:
    """Set up structlog and the standard library's logging for this process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(
            fmt="iso", utc=True, key="@timestamp" if as_json else "timestamp"
        ),
        redact,
    ]
    renderer: list[Any] = (
        [
            structlog.processors.ExceptionRenderer(told_exception),
            ecs_logging.StructlogFormatter(),
        ]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=_tell_on_console)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *renderer,
                    ],
                }
            },
            "handlers": {"stream": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stream"], "level": "WARNING"},
            "loggers": {
                # a terminal shows what needs a person; a log keeps everything
                "pktmask": {"level": "INFO" if as_json else "WARNING"},
                "django": {"level": "WARNING"},
                "django-q": {"level": "WARNING"},
            },
        }
    )
