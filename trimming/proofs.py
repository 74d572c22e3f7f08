"""Proofs of sanitisation of results: what is stated, and with which key that is signed.

The key is derived from the secret key of the installation, so that all machines have the same one,
a restored installation has it too, and nothing more must be kept secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from config.languages.told import told
from pktmask import proofs
from trimming.capture_report import TABLES, is_report, read_report
from trimming.models import Capture, TrimRun

INFO: Final = b"pktmask proof of sanitisation 1"
# of a stored report; sizes in bytes
COUNTS: Final = (
    "packets",
    "bytes",
    "connections",
    "streams",
    "http_streams",
    "requests",
    "responses",
    "masked_bytes",
    "sliced_bytes",
    "gaps",
    "left_out_bytes",
)


class NoProofError(Exception):
    """There is none for this result; the text says why, and what to do."""


def proof_of(capture: Capture, run: TrimRun) -> dict[str, Any]:
    """Return the proof of a published result; raises NoProofError.  Made anew it is the same."""
    return proofs.signed(statement_of(capture, run), _seed(settings.SECRET_KEY))


def statement_of(capture: Capture, run: TrimRun) -> dict[str, Any]:
    """Return what is stated: digests, profile, counts, verification.  Never payload."""
    if (held := run.quarantine_in_force) is not None:
        said = _("The result is in quarantine, and nothing is stated of it: %(reason)s")
        raise NoProofError(said % {"reason": told(held.reason)})
    report = run.report
    read = read_report(report)
    if read is None or not read.verdict.is_ok or run.finished_at is None:
        raise NoProofError(_("Nobody can say that the result was verified. Run the capture again."))
    if not run.output_sha256:
        raise NoProofError(_("The digest of the result was not kept. Run the capture again."))
    assert is_report(report)
    assert report is not None
    profile = run.job.profile
    return {
        "format": proofs.FORMAT,
        "capture": {"id": str(capture.pk), "name": capture.name},
        "input": {
            "sha256": capture.sha256,
            "bytes": capture.size_bytes,
            "format": capture.file_format,
        },
        "output": {"sha256": run.output_sha256, "bytes": run.output_bytes},
        "profile": {
            "name": profile.name,
            "version": profile.version,
            "options": profile.options,
        },
        "strategy": {"name": run.strategy, "version": run.strategy_version},
        "counts": {
            **{name: int(report[name]) for name in COUNTS},
            **{name: {key: int(n) for key, n in report[name].items()} for name in TABLES},
        },
        "verification": _verified(report["verification"]),
        "trimmed_at": _moment(run.finished_at),
        "made_by": f"PktMask {settings.VERSION}",
    }


def public_keys() -> Iterator[bytes]:
    """Yield the public key in use, then those of secret keys that were replaced."""
    for secret in (settings.SECRET_KEY, *settings.AUDIT_OLD_KEYS):
        yield proofs.public_key(_seed(secret))


def _verified(found: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: int(value) for name, value in found.items() if name != "passed"}
    return {"passed": found["passed"], **numbers}


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _seed(secret: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), proofs.KEY_BYTES, salt=None, info=INFO).derive(secret.encode())
