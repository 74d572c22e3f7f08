"""Log events in the terms of the Elastic Common Schema: which field holds what.  Pure.

https://www.elastic.co/docs/reference/ecs.  What the schema has no field for stands below
``pktmask``, always as one value: a field that is a number here and an object there cannot be
indexed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

# the version that the names are taken from
ECS_VERSION: Final = "8.11.0"
MODULE: Final = "pktmask"
NANOSECONDS_PER_MS: Final = 1_000_000
# runs that were stopped have not failed
STOPPED: Final = frozenset(("cancelled", "discarded", "given_back"))
# top-level fields of the schema that a caller may fill
OWN_NAMES: Final = frozenset(
    ("event", "rule", "log", "error", "http", "user", "service", "process", "ecs", MODULE)
)
# what callers say, and the field that holds it
FIELDS: Final[Mapping[str, str]] = {
    "logger": "log.logger",
    "level": "log.level",
    "request_id": "http.request.id",
    "user_id": "user.id",
    "actor": "user.name",
    "reason": "event.reason",
    "sentence": "event.reason",
    "rule": "rule.name",
    "kind": "error.type",
    "error": "error.message",
    "exception": "error.stack_trace",
}
STAY: Final = frozenset(("@timestamp", "event"))


def _text(found: Any) -> str:
    return "" if found is None else str(found)


@dataclass(frozen=True, slots=True)
class Stable:
    """The classes of an event that other systems may count on, by the schema's vocabulary."""

    category: str
    type: str
    kind: str = "event"
    # "success", "failure" or "unknown" of what the event says
    outcome: Callable[[Mapping[str, Any]], str] | None = None


def _always(outcome: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda event: outcome


def _of_verdict(event: Mapping[str, Any]) -> str:
    return {"ok": "success", "fail": "failure"}.get(_text(event.get("verdict")), "unknown")


def _of_run(event: Mapping[str, Any]) -> str:
    return "unknown" if event.get("outcome") in STOPPED else "failure"


STABLE: Final[Mapping[str, Stable]] = {
    "run_started": Stable("process", "start"),
    "run_published": Stable("process", "end", outcome=_always("success")),
    "run_ended": Stable("process", "end", outcome=_of_run),
    "fell_back": Stable("process", "change", outcome=_always("failure")),
    "failed_without_fallback": Stable("process", "change", outcome=_always("failure")),
    "shadow_ended": Stable("process", "end"),
    "health_checked": Stable("host", "info", kind="state", outcome=_of_verdict),
    "rollout_moved": Stable("configuration", "change", outcome=_always("success")),
    "policy_published": Stable("configuration", "change", outcome=_always("success")),
    "breaker_changed": Stable("configuration", "change", outcome=_always("success")),
    "configuration_adopted": Stable("configuration", "change", outcome=_always("success")),
}


def as_ecs(event: MutableMapping[str, Any], *, is_ours: bool) -> dict[str, Any]:
    """Return an event in the fields of the schema; ``event`` stays the message.

    ``is_ours``: it has a name, as in ``run_ended``, and not only a text of another library.
    """
    name, logger = str(event["event"]), str(event.get("logger", ""))
    found: dict[str, Any] = {
        "event.kind": "event",
        "event.module": MODULE,
        "event.dataset": logger if logger.startswith(MODULE) else f"{MODULE}.{logger or 'log'}",
        **(_classes(name, event) if is_ours else {}),
    }
    for key, value in event.items():
        if value is None:
            continue
        top, dot, _rest = key.partition(".")
        if key in STAY or (dot and top in OWN_NAMES):
            found[key] = _plain(value)
        elif key in FIELDS:
            found[FIELDS[key]] = _text(value)
        else:
            found[f"{MODULE}.{key.replace('.', '_')}"] = _one(value)
    if "duration_ms" in event:
        found["event.duration"] = round(float(event["duration_ms"]) * NANOSECONDS_PER_MS)
    return found


def _classes(name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if name.replace("_", "").replace(".", "").isalnum():
        found["event.action"] = name.replace("_", "-")
    stable = STABLE.get(name)
    if stable is not None:
        found |= {
            "event.kind": stable.kind,
            "event.category": [stable.category],
            "event.type": [stable.type],
        }
        if stable.outcome is not None:
            found["event.outcome"] = stable.outcome(event)
    return found


def _one(value: Any) -> Any:
    """Return one value: what has parts becomes a text."""
    value = _plain(value)
    return value if isinstance(value, str | bool | int | float) else json.dumps(value, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | bool | int | float) else _text(value)
