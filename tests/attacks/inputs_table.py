"""What can be typed where: every field of every form, and every value of every query.

A form is sent as it should be, but for the one field that is attacked.  ``<name>`` stands for an
object of the place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

Fields = Mapping[str, str]

QUERIES: Final[Mapping[str, Fields]] = {
    "trimming:captures": {
        "q": "a",
        "state": "done",
        "since": "7d",
        "sort": "-size",
        "page": "1",
        "part": "counts",
    },
    "trimming:export": {"q": "a", "state": "done", "since": "7d", "sort": "name"},
    "trimming:messages": {"packet": "1", "read": "1"},
    "trimming:packets": {"packet": "1", "start": "0", "read": "1"},
    "tokens:page": {"page": "1"},
    "routing:page": {"page": "1"},
    "offline_tests:list": {"page": "1"},
    "monitoring:health": {"page": "1"},
    "monitoring:trends": {"format": "csv", "period": "day", "metric": "cpu_percent"},
    "monitoring:trends_data": {"period": "day", "metric": "cpu_percent"},
    "alerts:list": {
        "state": "firing",
        "severity": "low",
        "rule": "disk",
        "order": "newest",
        "page": "1",
        "period": "7d",
        "format": "csv",
    },
    "alerts:silences": {"matchers": "rule=disk"},
    "alerts:preview": {"alert": "<key>"},
    "alerts:preview_mail": {"alert": "<key>"},
    "reports:list": {"kind": "day", "page": "1", "format": "csv"},
    "migration:rollout": {"page": "1"},
    "migration:data": {"look": "1"},
    "migration:suspects": {"state": "same", "page": "1"},
    "config:versions": {"q": "upload", "page": "1", "format": "csv"},
    "audit:page": {
        "who": "anna",
        "what": "upload",
        "target": "capture 1",
        "page": "1",
        "since": "2026-01-01",
        "until": "2026-01-31",
    },
    "audit:export": {"who": "anna", "since": "2026-01-01", "until": "2026-01-31"},
    "admin:login": {"next": "/admin/"},
    "login": {"next": "/captures/"},
    "admin:trimming_capture_changelist": {
        "q": "a",
        "o": "1",
        "p": "1",
        "owner__id__exact": "1",
        "uploaded_at__year": "2026",
    },
}
FORMS: Final[Mapping[str, Fields]] = {
    "login": {"username": "anna", "password": "x", "next": "/"},
    "language": {"language": "zh-hans", "next": "/"},
    "own_password": {
        "old_password": "x",
        "new_password1": "y",
        "new_password2": "y",
        "end_tokens": "on",
    },
    "second_factor": {"password": "x", "code": "123456", "act": "on"},
    "tokens:page": {"name": "a script", "scopes": "read", "days": "30"},
    "trimming:archive": {"ids": "<capture_id>"},
    "trimming:many": {"ids": "<capture_id>", "act": "cancel", "query": "q=a"},
    "trimming:run_again": {"profile": "<profile>", "strategy": "legacy"},
    "trimming:upload": {"profile": "<profile>", "strategy": "legacy", "priority": "0"},
    "routing:page": {
        "mode": "legacy",
        "treatment_percent": "0",
        "shadow_percent": "0",
        "new_draw": "on",
        "guarded": "on",
        "lift": "on",
        "reason": "because",
    },
    "routing:rollback": {"word": "rollback", "reason": "because"},
    "alerts:acknowledge": {"one": "", "keys": "<key>", "note": "seen", "back": ""},
    "alerts:acknowledge_link": {"name": "anna", "note": "seen"},
    "alerts:dead_letters": {"channel": "log", "act": "again", "key": "x"},
    "alerts:channel_letters": {"act": "aside", "key": "x"},
    "alerts:silences": {
        "matchers": "rule=disk",
        "reason": "because",
        "hours": "1",
        "begins": "2099-01-01 00:00",
    },
    "alerts:rules": {
        "name": "Hot",
        "metric": "cpu_percent",
        "comparison": "above",
        "threshold": "64",
        "for_seconds": "300",
        "severity": "medium",
        "action": "Look.",
        "act": "save",
    },
    "alerts:rule_mode": {"mode": "on"},
    "reports:make": {"kind": "day"},
    "migration:start": {"name": "mine", "reason": "because", "preset": "", "do": "start"},
    "migration:act": {"act": "restart", "reason": "because", "word": ""},
    "migration:limits": {"limit:step_runs": "9", "reason": "because"},
    "migration:rerun": {"which": "", "ids": "<suspect>"},
    "migration:release": {"reason": "because"},
    "config:configuration": {
        "base": "<version>",
        "reason": "because",
        "do": "apply",
        "trimming.keep_originals_days": "5",
    },
    "config:restore": {"base": "<version>", "reason": "because"},
    "maintenance:run": {"dry": "on"},
    "demo:fault": {"switch": "on"},
    "admin:migration_rollout_act": {"reason": "because", "word": ""},
    "admin:trimming_profile_add": {
        "name": "own",
        "description": "x",
        "options_text": "slice: true",
    },
}
# compared with what is known, or only looked for: whatever stands there is a yes or a no
COMPARED: Final = frozenset(
    {
        *("new_draw", "guarded", "lift", "dry", "switch", "back", "one", "which", "preset", "word"),
        *("act", "do", "keys", "end_tokens"),
        # a try is counted, whatever was tried
        *("code", "username", "password", "old_password", "new_password1", "new_password2", "next"),
        # leads back to where one was
        "query",
    }
)
# read by the code, and no input of a form or query of ours
ELSEWHERE: Final = {
    "files": "names and bytes: tests/trimming/test_uploads.py",
    "decide": "tests/migration/test_roles_table.py",
    "options": "made by the form of profiles",
}

# Django takes the limit from the column; what is hashed has the limit of a form
ENDLESS: Final = frozenset(
    {
        "SignInForm.username",
        "SignInForm.password",
        *(f"OwnPasswordForm.{name}" for name in ("old_password", "new_password1", "new_password2")),
    }
)

LONG: Final = "x" * 100_000
NUMBER: Final = "9" * 5_000
# past what databases keep in 64 bits
LARGE: Final = "9" * 30
TEXTS: Final[Mapping[str, str]] = {
    "over-long": LONG,
    "nul": "a\x00b",
    "half a character": "\ud800",
    "other languages": (
        "\"><script>alert(1)</script>'{{ 7 }}{% load x %}%(x)s{0.__class__}' OR 1=1 -- "
        "../../../etc/passwd \u202e\r\nX-Injected: 1\r\n\r\n"
    ),
}
NUMBERS: Final[Mapping[str, str]] = {
    "a long number": NUMBER,
    "a large number": LARGE,
    "no number": "nan",
    "without end": "1e999",
    "negative": "-1",
    "the last moment": "9999-12-31 23:59",
    "the last day": "9999-12-31",
    "the first moment": "0001-01-01 00:00",
}
HOSTILE: Final[Mapping[str, str]] = {**TEXTS, **NUMBERS}
# fields that are read as numbers, times or ids
READ_AS_NUMBERS: Final = frozenset(
    {
        *("profile", "priority", "treatment_percent", "shadow_percent", "ids", "one", "keys"),
        *("hours", "begins", "threshold", "for_seconds", "limit:step_runs", "base"),
        "trimming.keep_originals_days",
    }
)
# of these a field may well take what it is meant for, but nothing is kept of them
REFUSED: Final[Sequence[str]] = ("over-long", "nul")
