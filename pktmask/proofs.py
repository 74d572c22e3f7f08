"""A proof of sanitisation: what was done to a capture, signed by the installation that did it.

A proof is JSON with two members.  ``statement`` says what was done; ``signature`` holds an Ed25519
signature (RFC 8032) over the name of the format, a line feed, and the statement as JSON with
sorted keys, no spaces, and ASCII alone.  Numbers in it are whole: all languages write them alike.
The form is kept for ever: ``FORMAT`` counts it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

FORMAT: Final = "pktmask-proof-1"
ALGORITHM: Final = "Ed25519"
KEY_BYTES: Final = 32
ID_CHARACTERS: Final = 16
# far more than any proof has
MAX_BYTES: Final = 1 << 20
CHUNK_BYTES: Final = 1 << 20
# public keys by their ids
Keys = Mapping[str, bytes]


class ProofError(Exception):
    """It does not hold, or cannot be read; the text is a sentence."""


def canonical(statement: Any) -> bytes:
    """Return what is signed; raises ProofError for what has no form of its own."""
    _check(statement)
    text = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"{FORMAT}\n{text}".encode("ascii")


def signed(statement: Mapping[str, Any], seed: bytes) -> dict[str, Any]:
    """Return the proof, signed with a private key of 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    value = Ed25519PrivateKey.from_private_bytes(seed).sign(canonical(statement))
    return {
        "statement": dict(statement),
        "signature": {
            "algorithm": ALGORITHM,
            "key_id": id_of(public_key(seed)),
            "value": base64.b64encode(value).decode(),
        },
    }


def public_key(seed: bytes) -> bytes:
    """Return the public key of a private one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def id_of(key: bytes) -> str:
    """Return how a public key is told from others."""
    return hashlib.sha256(key).hexdigest()[:ID_CHARACTERS]


def keys_as_json(keys: Iterable[bytes]) -> dict[str, Any]:
    """Return public keys as an installation tells them, the one in use first."""
    rows = [
        {
            "key_id": id_of(key),
            "algorithm": ALGORITHM,
            "public_key": base64.b64encode(key).decode(),
        }
        for key in keys
    ]
    return {"format": FORMAT, "keys": rows}


def read_keys(text: str) -> dict[str, bytes]:
    """Return public keys from what an installation tells, or from one key in base64."""
    stripped = text.strip()
    if not stripped.startswith("{"):
        return _by_id([_key(stripped)])
    told = _json(stripped, "The file of keys")
    try:
        return _by_id(_key(row["public_key"]) for row in told["keys"])
    except (KeyError, TypeError):
        raise ProofError("The file of keys holds no keys as an installation tells them.") from None


def checked(text: str, keys: Keys) -> dict[str, Any]:
    """Return the statement of a proof whose signature holds; raises ProofError."""
    if len(text) > MAX_BYTES:
        raise ProofError(f"The proof is larger than {MAX_BYTES} bytes; none is.")
    proof = _json(text, "The proof")
    try:
        statement, signature = proof["statement"], proof["signature"]
        key_id, value = signature["key_id"], base64.b64decode(signature["value"], validate=True)
        is_known = signature["algorithm"] == ALGORITHM and statement["format"] == FORMAT
    except (KeyError, TypeError, binascii.Error, ValueError):
        raise ProofError("The file is no proof of sanitisation.") from None
    if not is_known:
        raise ProofError("The proof has a form that this version does not know. Take a newer one.")
    key = keys.get(key_id) if isinstance(key_id, str) else None
    if key is None:
        raise ProofError(
            f"The proof was signed with another key ({key_id}). "
            "Take the keys of the installation that made it."
        )
    _verify(key, value, canonical(statement))
    found: dict[str, Any] = statement
    return found


def hold_against(statement: Mapping[str, Any], file: Path) -> None:
    """Raise ProofError unless ``file`` is the trimmed capture that a statement is of."""
    found = digest_of(file)
    if found == statement["output"]["sha256"]:
        return
    if found == statement["input"]["sha256"]:
        raise ProofError("This is the original capture, before anything was masked.")
    raise ProofError("The proof is of another capture: the digests differ.")


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits; raises OSError."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _verify(key: bytes, signature: bytes, message: bytes) -> None:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise ProofError(
            "To look at signatures the package `cryptography` is needed: pip install cryptography"
        ) from None
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        raise ProofError("The signature does not hold: the proof was changed.") from None


def _json(text: str, what: str) -> Any:
    """Read JSON in which nothing can be read in two ways."""
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ProofError(f"{what} cannot be read as JSON.") from None
    if not isinstance(found, dict):
        raise ProofError(f"{what} cannot be read: it is no JSON object.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ProofError("A member stands twice in it, so that it can be read in two ways.")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _check(value: Any) -> None:
    if isinstance(value, Mapping):
        for key, each in value.items():
            _check(key)
            _check(each)
    elif isinstance(value, list):
        for each in value:
            _check(each)
    elif not isinstance(value, str | int | None):
        raise ProofError("A statement holds text, whole numbers, true, false and null alone.")


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ProofError(f"A public key is {KEY_BYTES} bytes in base64, as the installation says.")
    return key


def _by_id(keys: Iterable[bytes]) -> dict[str, bytes]:
    return {id_of(key): key for key in keys}
