"""What a run may be told: a profile's choices and the engine's limits.

Frozen values with units in their names.  Reading YAML, rows or settings into them is the caller's.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, get_args

from trimming.engine.errors import OptionsError
from trimming.engine.words import gettext_noop

MaskOrKeep = Literal["mask", "keep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on memory and patience.  Each time one is met, the report counts it."""

    max_header_bytes: int = 1 << 18
    max_line_bytes: int = 1 << 18
    max_connections: int = 1 << 16
    max_closed_connections: int = 1 << 8
    idle_seconds: int = 3600
    idle_packets: int = 1 << 16
    reorder_segments: int = 1024
    reorder_bytes: int = 1 << 20
    reorder_total_bytes: int = 1 << 26
    history_runs: int = 1024
    history_bytes: int = 1 << 16
    history_total_bytes: int = 1 << 28
    pipelined_requests: int = 1024
    max_open_datagrams: int = 1024
    max_tunnel_depth: int = 16
    max_record_bytes: int = 1 << 24
    max_unpacked_bytes: int = 1 << 33


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimOptions:
    """One profile: what is overwritten, and what is kept."""

    name: str = "standard"
    uncertain: MaskOrKeep = "mask"
    other_payload: MaskOrKeep = "keep"
    slice: bool = False
    body_keep_bytes: int = 0
    error_body_keep_bytes: int = 0
    redact_fields: tuple[str, ...] = ()
    redact_targets: bool = False
    drop_metadata: bool = False
    limits: Limits = field(default_factory=Limits)

    @property
    def keeps_body_bytes(self) -> bool:
        """Whether some body bytes stay in the output on purpose."""
        return bool(self.body_keep_bytes or self.error_body_keep_bytes)


CREDENTIAL_FIELDS = ("authorization", "proxy-authorization", "cookie", "set-cookie")

PROFILES: Mapping[str, TrimOptions] = {
    "standard": TrimOptions(name="standard"),
    "share_safe": TrimOptions(
        name="share_safe",
        other_payload="mask",
        redact_fields=CREDENTIAL_FIELDS,
        redact_targets=True,
        drop_metadata=True,
    ),
}


def built_in_profile(name: str) -> TrimOptions:
    """Return a built-in profile, or raise OptionsError that names the nearest one."""
    if name in PROFILES:
        return PROFILES[name]
    raise OptionsError(
        _with_nearest(
            gettext_noop("profile %(name)r is not known; built in are: %(known)s")
            % {"name": name, "known": ", ".join(sorted(PROFILES))},
            name,
            list(PROFILES),
        )
    )


def profile_from_mapping(values: Mapping[str, object], source: str) -> TrimOptions:
    """Build a profile from plain values; ``base`` names the built-in one to start from.

    Raises OptionsError naming ``source``, the key, the value and what is allowed.
    """
    base_name = values.get("base", "standard")
    if not isinstance(base_name, str):
        raise _wrong(source, "base", gettext_noop("the name of a profile"), base_name)
    try:
        options = built_in_profile(base_name)
    except OptionsError as error:
        where = gettext_noop("%(source)s: base: %(error)s")
        raise OptionsError(where % {"source": source, "error": error}) from None
    known = {f.name: f for f in fields(TrimOptions)}
    changes: dict[str, object] = {}
    for key, value in values.items():
        if key == "base":
            continue
        if key not in known:
            unknown = gettext_noop(
                "%(source)s: %(typed_key)r is not a setting; allowed are: %(known)s"
            )
            allowed = ", ".join(sorted(["base", *known]))
            refusal = unknown % {"source": source, "typed_key": key, "known": allowed}
            raise OptionsError(_with_nearest(refusal, str(key), list(known)))
        changes[key] = _checked(source, key, value)
    return replace(options, **changes)  # type: ignore[arg-type]  # each value checked above


def _checked(source: str, key: str, value: object) -> object:
    if key == "limits":
        return _limits(source, value)
    if key == "redact_fields":
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) and v for v in value):
            raise _wrong(source, key, gettext_noop("a list of field names"), value)
        return tuple(str(v).lower() for v in value)
    if key in ("uncertain", "other_payload"):
        if value not in get_args(MaskOrKeep):
            raise _wrong(source, key, gettext_noop("mask or keep"), value)
        return value
    if key in ("body_keep_bytes", "error_body_keep_bytes"):
        return _whole_number(source, key, value, least=0)
    if key == "name":
        if not isinstance(value, str) or not value:
            raise _wrong(source, key, gettext_noop("a text"), value)
        return value
    if not isinstance(value, bool):
        raise _wrong(source, key, gettext_noop("true or false"), value)
    return value


def _limits(source: str, value: object) -> Limits:
    known = [f.name for f in fields(Limits)]
    if not isinstance(value, Mapping):
        raise _wrong(source, "limits", gettext_noop("a table of numbers"), value)
    for key in value:
        if key not in known:
            unknown = gettext_noop(
                "%(source)s: limits.%(typed_key)s is not a limit; allowed are: %(known)s"
            )
            refusal = unknown % {"source": source, "typed_key": key, "known": ", ".join(known)}
            raise OptionsError(_with_nearest(refusal, str(key), known))
    return Limits(**{k: _whole_number(source, f"limits.{k}", v, least=1) for k, v in value.items()})


def _whole_number(source: str, key: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        allowed = gettext_noop("a whole number of at least %(least)d") % {"least": least}
        raise _wrong(source, key, allowed, value)
    return value


def _wrong(source: str, key: str, allowed: str, value: object) -> OptionsError:
    message = gettext_noop("%(source)s: %(typed_key)s must be %(allowed)s, not %(typed_value)r")
    values = {"source": source, "typed_key": key, "allowed": allowed, "typed_value": value}
    return OptionsError(message % values)


def _with_nearest(refusal: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if not close:
        return refusal
    with_hint = gettext_noop("%(refusal)s; did you mean %(nearest)r?")
    return with_hint % {"refusal": refusal, "nearest": close[0]}
