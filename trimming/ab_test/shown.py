"""A result as words and numbers for people: the same at the console, in the report, on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from config.languages.told import listed
from trimming.ab_test.draw import ROLES
from trimming.quantities import count, duration, percent, rate, size

Values = Mapping[str, Any]
# of results; whoever changes the meaning of a key raises the version
SCHEMA = "pktmask.ab_test"
VERSION = 1
UNKNOWN = "—"
WORDS: Mapping[str, str] = {
    "matched": gettext_noop("matched"),
    "mismatched": gettext_noop("mismatched"),
    "failed": gettext_noop("failed"),
    "refused": gettext_noop("refused by both"),
    "broken": gettext_noop("could not run"),
}
# what an outcome looks like: tone and shape of the style sheet
LOOKS: Mapping[str, tuple[str, str]] = {
    "matched": ("ok", "ok"),
    "mismatched": ("fail", "fail"),
    "failed": ("fail", "fail"),
    "refused": ("unknown", "stop"),
    "broken": ("unknown", "unknown"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the summary, by its key: a title, the figure, and what it rests on."""

    key: str
    title: str
    figure: str
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """One capture as texts."""

    file: str
    digest: str
    size: str
    packets: str
    outcome: str
    tone: str
    shape: str
    reason: str
    seconds: tuple[str, str]
    ratio: str
    memory: tuple[str, str]
    leaked: str
    over_masked: str


def is_readable(result: object) -> bool:
    """Tell whether plain values are a result of a version that is understood."""
    return (
        isinstance(result, Mapping)
        and (result.get("schema"), result.get("version")) == (SCHEMA, VERSION)
        and isinstance(result.get("summary"), Mapping)
        and isinstance(result.get("captures"), list)
    )


def tiles(summary: Values) -> list[Tile]:
    """Return the figures that matter most, the gravest first."""
    return [
        _leaked(summary),
        _agreement(summary),
        _bound(summary),
        _accuracy(summary["byte_accuracy"]),
        _speed(summary["speed_ratio"]),
        _pair(
            "throughput_bytes_per_s",
            _("Throughput"),
            _("scanning; legacy %s"),
            summary["throughput_bytes_per_s"],
            rate,
        ),
        _success(_("Success of scanning"), summary["success"]["scanning"]),
        _success(_("Success of legacy"), summary["success"]["legacy"]),
        _pair(
            "peak_memory_bytes",
            _("Peak memory"),
            _("scanning at most; legacy %s"),
            {role: summary["peak_memory_bytes"][role]["max"] for role in ROLES},
            size,
        ),
        _pair(
            "memory_growth_bytes",
            _("Memory growth"),
            _("scanning at most, beyond the loaded program; legacy %s"),
            {role: summary["memory_growth_bytes"][role]["max"] for role in ROLES},
            size,
        ),
    ]


def _leaked(summary: Values) -> Tile:
    leaking = summary["leaking_captures"]
    said = ngettext(
        "in %(n)s capture; masked too much: %(much)s",
        "in %(n)s captures; masked too much: %(much)s",
        leaking,
    )
    note = said % {"n": count(leaking), "much": size(summary["over_masked_bytes"])}
    return Tile("leaked_bytes", _("Leaked"), size(summary["leaked_bytes"]), note)


def _agreement(summary: Values) -> Tile:
    figure = summary["agreement"]
    note = _("%(n)s of %(all)s captures, %(confidence)s interval %(interval)s") % {
        "n": count(figure["matched"]),
        "all": count(figure["compared"]),
        "confidence": f"{100 * summary['confidence']:g} %",
        "interval": interval(figure),
    }
    return Tile("agreement", _("Agreement"), share(figure["share"]), note)


def _bound(summary: Values) -> Tile:
    note = _("of captures differ at most, with %s confidence") % (
        f"{100 * summary['confidence']:g} %"
    )
    bound = summary["mismatch_bound"]["upper"]
    return Tile("mismatch_bound", _("Mismatch bound"), share(bound), note)


def _accuracy(figure: Values) -> Tile:
    note = _("of %(all)s classed as by legacy, interval %(interval)s") % {
        "all": size(figure["classed_bytes"]),
        "interval": interval(figure),
    }
    return Tile("byte_accuracy", _("Byte accuracy"), share(figure["share"]), note)


def _speed(figure: Values) -> Tile:
    note = _("as fast as legacy, median; interval %s") % interval(figure, times)
    return Tile("speed_ratio", _("Speed ratio"), times(figure["median"]), note)


def _success(title: str, figure: Values) -> Tile:
    note = _("%(n)s of %(all)s captures, interval %(interval)s") % {
        "n": count(figure["succeeded"]),
        "all": count(figure["runs"]),
        "interval": interval(figure),
    }
    return Tile("success", title, share(figure["share"]), note)


def _pair(key: str, title: str, note: str, values: Values, shown: Any) -> Tile:
    legacy, scanning = (_or_unknown(values[role], shown) for role in ROLES)
    return Tile(key, title, scanning, note % legacy)


def machine_facts(machine: Values) -> str:
    """Say in one line what the test ran on."""
    libraries = listed(f"{name} {version}" for name, version in machine["libraries"].items())
    parts = (machine["cpu_model"], machine["system"], f"Python {machine['python']}", libraries)
    return listed([_("%s cores") % machine["cores"], *filter(None, parts)])


def lines(rows: Sequence[Values]) -> list[Line]:
    """Return every capture as texts, in the order of the rows."""
    return [_line(row) for row in rows]


def found(rows: Sequence[Values], search: str) -> list[Values]:
    """Return the rows whose file, outcome or beginning of the digest is looked for."""
    wanted = search.strip().lower()
    return [
        row
        for row in rows
        if wanted in row["file"].lower()
        or wanted == row["outcome"]
        or row["digest"].startswith(wanted)
    ]


def gravest_first(rows: Sequence[Values]) -> list[Values]:
    """Return the rows with those on top that somebody must look at."""
    order = ("failed", "mismatched", "broken", "refused", "matched")
    return sorted(rows, key=lambda row: order.index(row["outcome"]))


def speed_ratio(row: Values) -> float | None:
    """Return how many times as fast as legacy scanning was; None when one was not timed."""
    legacy, scanning = (row[role]["seconds"] for role in ROLES)
    return legacy / scanning if legacy and scanning else None


def sentence(summary: Values) -> str:
    """Say in one line how the test ended."""
    outcomes = summary["outcomes"]
    rest = listed(f"{count(n)} {_(WORDS[name])}" for name, n in outcomes.items() if n)
    return _("%(n)s captures: %(outcomes)s") % {
        "n": count(summary["captures"]),
        "outcomes": rest or UNKNOWN,
    }


def is_clean(summary: Values) -> bool:
    """Tell whether something was compared, and nothing differs, failed or broke."""
    outcomes = summary["outcomes"]
    return outcomes["matched"] > 0 and not any(
        outcomes[name] for name in ("mismatched", "failed", "broken")
    )


def share(value: float | None) -> str:
    """Return a share of 1 as in "98.5 %"; only all is "100 %"."""
    return UNKNOWN if value is None else percent(value, 1)


def times(value: float | None) -> str:
    """Return a ratio as in "4.2x"."""
    return UNKNOWN if value is None else f"{value:.3g}x"


def interval(figure: Values, shown: Any = share) -> str:
    """Return both ends of a figure's interval, as in "89.7 % to 100 %"."""
    if figure["low"] is None:
        return UNKNOWN
    ends = {"low": shown(figure["low"]), "high": shown(figure["high"])}
    return _("%(low)s to %(high)s") % ends


def _line(row: Values) -> Line:
    comparison = row["comparison"] or {}
    tone, shape = LOOKS[row["outcome"]]
    first, second = (row[role] for role in ROLES)
    return Line(
        file=row["file"],
        digest=row["digest"],
        size=size(row["size_bytes"]),
        packets=_or_unknown(row["packets"], count),
        outcome=_(WORDS[row["outcome"]]),
        tone=tone,
        shape=shape,
        reason=row["reason"],
        seconds=(
            _or_unknown(first["seconds"], duration),
            _or_unknown(second["seconds"], duration),
        ),
        ratio=times(speed_ratio(row)),
        memory=(
            _or_unknown(first["peak_memory_bytes"], size),
            _or_unknown(second["peak_memory_bytes"], size),
        ),
        leaked=_or_unknown(comparison.get("leaked_bytes"), size),
        over_masked=_or_unknown(comparison.get("over_masked_bytes"), size),
    )


def _or_unknown(value: Any, shown: Any) -> str:
    return UNKNOWN if value is None else str(shown(value))
