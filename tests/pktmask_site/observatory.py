"""Grades an answer as Mozilla's HTTP Observatory does, by its published tests and modifiers.

Source: "HTTP Observatory Scoring Methodology", as of 2024, which is published at
https://developer.mozilla.org/en-US/observatory/docs/tests_and_scoring.  Of each test the results
are here that an answer of ours may have; whatever else is found is the worst of its test.  What the
Observatory asks of others is left out: the preload list of browsers (5 more points), certificates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any, Final

BASELINE: Final = 100
# bonuses are only added to what is an A without them
BONUSES_FROM: Final = 90
SIX_MONTHS: Final = 15_768_000
GRADES: Final = (
    *((100, "A+"), (90, "A"), (85, "A-"), (80, "B+"), (70, "B"), (65, "B-"), (60, "C+")),
    *((50, "C"), (45, "C-"), (40, "D+"), (30, "D"), (25, "D-"), (0, "F")),
)
PRIVATE: Final = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
UNSAFE: Final = {"'unsafe-inline'", "'unsafe-eval'"}
BROAD: Final = {"http:", "https:", "*", "data:", "blob:"}
# test: result: points
MODIFIERS: Final[Mapping[str, Mapping[str, int]]] = {
    "cookies": {
        "secure-with-httponly-sessions-and-samesite": 5,
        "not-found": 0,
        "secure-with-httponly-sessions": 0,
        "worst": -40,
    },
    "cross-origin-resource-sharing": {"not-implemented": 0, "worst": -50},
    "content-security-policy": {
        "no-unsafe-default-src-none": 10,
        "no-unsafe": 5,
        "unsafe-inline-in-style-src-only": 0,
        "worst": -25,
    },
    "strict-transport-security": {"max-age-at-least-six-months": 0, "worst": -20},
    "redirection": {"to-https": 0, "worst": -20},
    "referrer-policy": {"private": 5, "not-implemented": 0, "worst": -5},
    "subresource-integrity": {
        "all-scripts-loaded-from-secure-origin": 0,
        "no-scripts-loaded": 0,
        "response-not-html": 0,
        "worst": -50,
    },
    "x-content-type-options": {"nosniff": 0, "worst": -5},
    "x-frame-options": {"implemented-via-csp": 5, "sameorigin-or-deny": 0, "worst": -20},
    "cross-origin-resource-policy": {"same-origin": 0, "not-implemented": 0, "worst": -20},
}


class _Scripts(HTMLParser):
    """The addresses of the scripts of a page; of one that stands in the page it is empty."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and dict(attrs).get("type") != "application/json":
            self.found.append(dict(attrs).get("src") or "")


def _policy(answer: Any) -> dict[str, set[str]]:
    pieces = answer.headers.get("Content-Security-Policy", "").split(";")
    parts = [piece.split() for piece in pieces if piece.strip()]
    return {name: set(sources) for name, *sources in parts}


def _cookies(answer: Any, plain: Any) -> str:
    if not answer.cookies:
        return "not-found"
    cookies = list(answer.cookies.values())
    if not all(each["secure"] and each["httponly"] for each in cookies):
        return "worst"
    is_same = all(each["samesite"] in ("Lax", "Strict") for each in cookies)
    return "secure-with-httponly-sessions" + ("-and-samesite" if is_same else "")


def _csp(answer: Any, plain: Any) -> str:
    policy = _policy(answer)
    default = policy.get("default-src")
    if default is None:
        return "worst"
    styles = policy.pop("style-src", default)
    code = policy.get("script-src", default) | policy.get("object-src", default)
    others = set().union(*policy.values())
    if UNSAFE & others or BROAD & code or "http:" in others | styles:
        return "worst"
    if styles & (UNSAFE | BROAD):
        return "unsafe-inline-in-style-src-only"
    return "no-unsafe-default-src-none" if default == {"'none'"} else "no-unsafe"


def _hsts(answer: Any, plain: Any) -> str:
    said = re.match(r"max-age=(\d+)\b", answer.headers.get("Strict-Transport-Security", ""))
    is_long = said is not None and int(said[1]) >= SIX_MONTHS
    return "max-age-at-least-six-months" if is_long else "worst"


def _redirection(answer: Any, plain: Any) -> str:
    place = plain.headers.get("Location", "")
    is_own = place.startswith("https://testserver/")
    return "to-https" if plain.status_code in (301, 302, 307, 308) and is_own else "worst"


def _integrity(answer: Any, plain: Any) -> str:
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        return "response-not-html"
    scripts = _Scripts()
    scripts.feed(answer.content.decode())
    if not scripts.found:
        return "no-scripts-loaded"
    is_own = all(re.match(r"/(?!/)", each) for each in scripts.found)
    return "all-scripts-loaded-from-secure-origin" if is_own else "worst"


def _frames(answer: Any, plain: Any) -> str:
    if "frame-ancestors" in _policy(answer):
        return "implemented-via-csp"
    is_closed = answer.headers.get("X-Frame-Options") in ("DENY", "SAMEORIGIN")
    return "sameorigin-or-deny" if is_closed else "worst"


def _said(header: str, results: Mapping[str | None, str]) -> Callable[[Any, Any], str]:
    return lambda answer, plain: results.get(answer.headers.get(header), "worst")


TESTS: Final[Mapping[str, Callable[[Any, Any], str]]] = {
    "cookies": _cookies,
    "cross-origin-resource-sharing": _said(
        "Access-Control-Allow-Origin", {None: "not-implemented"}
    ),
    "content-security-policy": _csp,
    "strict-transport-security": _hsts,
    "redirection": _redirection,
    "referrer-policy": _said(
        "Referrer-Policy", {None: "not-implemented", **dict.fromkeys(PRIVATE, "private")}
    ),
    "subresource-integrity": _integrity,
    "x-content-type-options": _said("X-Content-Type-Options", {"nosniff": "nosniff"}),
    "x-frame-options": _frames,
    "cross-origin-resource-policy": _said(
        "Cross-Origin-Resource-Policy", {None: "not-implemented", "same-origin": "same-origin"}
    ),
}


def results_of(answer: Any, plain: Any) -> dict[str, str]:
    """Return what each test finds; ``plain`` is the answer to the same without TLS."""
    return {name: test(answer, plain) for name, test in TESTS.items()}


def score_of(results: Mapping[str, str]) -> int:
    """Return the points: penalties first, bonuses where that is an A."""
    points = [MODIFIERS[name][result] for name, result in results.items()]
    score = BASELINE + sum(each for each in points if each < 0)
    bonuses = sum(each for each in points if each > 0)
    return max(0, score + bonuses if score >= BONUSES_FROM else score)


def grade_of(score: int) -> str:
    """Return the letter."""
    return next(letter for least, letter in GRADES if score >= least)
