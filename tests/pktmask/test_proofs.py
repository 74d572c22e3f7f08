"""What holds of a proof, and what does not."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pktmask.proofs import (
    FORMAT,
    ID_CHARACTERS,
    MAX_BYTES,
    ProofError,
    canonical,
    checked,
    hold_against,
    id_of,
    keys_as_json,
    public_key,
    read_keys,
    signed,
)

SEED, OTHER = bytes(range(32)), bytes(32)
KEYS = {id_of(public_key(SEED)): public_key(SEED)}
STATEMENT: dict[str, Any] = {
    "format": FORMAT,
    "input": {"sha256": "0" * 64, "bytes": 3},
    "output": {"sha256": "1" * 64, "bytes": 3},
    "verification": {"passed": True, "packets": 7},
    "names": ["é", None],
}


def text_of(**changes: Any) -> str:
    return json.dumps({**signed(STATEMENT, SEED), **changes}, indent=2)


def test_a_proof_holds_however_its_json_is_written() -> None:
    assert checked(text_of(), KEYS) == STATEMENT
    assert checked(json.dumps(signed(STATEMENT, SEED), sort_keys=True), KEYS) == STATEMENT


def test_what_is_signed_is_the_plainest_json_behind_the_name_of_the_format() -> None:
    assert canonical({"b": ["é", None, True], "a": 1}) == (
        FORMAT.encode() + b'\n{"a":1,"b":["\\u00e9",null,true]}'
    )


def test_signing_again_gives_the_same() -> None:
    assert signed(STATEMENT, SEED) == signed(STATEMENT, SEED)


def test_a_signature_is_one_of_rfc_8032() -> None:
    # section 7.1, test 1: the public key of that secret key
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    wanted = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert public_key(seed).hex() == wanted


@pytest.mark.parametrize("member", sorted(STATEMENT))
def test_a_statement_that_was_changed_does_not_hold(member: str) -> None:
    proof = signed(STATEMENT, SEED)
    if member != "format":
        proof["statement"] = {**STATEMENT, member: "other"}
        with pytest.raises(ProofError, match="was changed"):
            checked(json.dumps(proof), KEYS)


def test_a_signature_that_was_changed_does_not_hold() -> None:
    proof = signed(STATEMENT, SEED)
    proof["signature"]["value"] = base64.b64encode(bytes(64)).decode()
    with pytest.raises(ProofError, match="was changed"):
        checked(json.dumps(proof), KEYS)


def test_a_proof_by_another_key_does_not_hold_even_under_the_id_of_ours() -> None:
    proof = signed(STATEMENT, OTHER)
    with pytest.raises(ProofError, match="another key"):
        checked(json.dumps(proof), KEYS)
    proof["signature"]["key_id"] = next(iter(KEYS))
    with pytest.raises(ProofError, match="was changed"):
        checked(json.dumps(proof), KEYS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nothing",
        "{}",
        '{"statement": {}, "signature": {}}',
        '{"statement": [], "signature": {"key_id": "x", "value": "", "algorithm": "Ed25519"}}',
        '{"statement": {"format": NaN}}',
        text_of(signature=None),
        text_of(signature={"key_id": "x", "value": "no base64!", "algorithm": "Ed25519"}),
        text_of(signature={"key_id": [], "value": "", "algorithm": "Ed25519"}),
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_what_is_no_proof_is_told_in_a_sentence(text: str) -> None:
    with pytest.raises(ProofError, match=r"\.$"):
        checked(text, KEYS)


def test_a_member_that_stands_twice_is_refused_since_readers_would_differ() -> None:
    twice = text_of().replace('"bytes": 3', '"bytes": 3, "bytes": 3', 1)
    with pytest.raises(ProofError, match="twice"):
        checked(twice, KEYS)


def test_a_number_with_a_fraction_is_refused_since_languages_write_it_differently() -> None:
    with pytest.raises(ProofError, match="whole numbers"):
        checked(text_of(statement={**STATEMENT, "x": 1.5}), KEYS)
    with pytest.raises(ProofError, match="whole numbers"):
        signed({"x": b""}, SEED)


@pytest.mark.parametrize("change", [("algorithm", "none"), ("format", "pktmask-proof-2")])
def test_a_form_of_another_version_is_told(change: tuple[str, str]) -> None:
    proof = signed(STATEMENT, SEED)
    name, value = change
    part = "signature" if name in proof["signature"] else "statement"
    proof[part][name] = value
    with pytest.raises(ProofError, match="newer"):
        checked(json.dumps(proof), KEYS)


def test_a_file_that_is_far_too_large_is_not_read() -> None:
    with pytest.raises(ProofError, match="larger"):
        checked(" " * (MAX_BYTES + 1), KEYS)


def test_without_the_package_for_signatures_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(ProofError, match="pip install cryptography"):
        checked(text_of(), KEYS)


def test_a_capture_is_the_trimmed_one_the_original_or_another(tmp_path: Path) -> None:
    file = tmp_path / "x.pcap"
    file.write_bytes(b"out")
    real, ours = hashlib.sha256(b"out").hexdigest(), "0" * 64
    hold_against({"input": {"sha256": ours}, "output": {"sha256": real}}, file)
    with pytest.raises(ProofError, match="original"):
        hold_against({"input": {"sha256": real}, "output": {"sha256": ours}}, file)
    with pytest.raises(ProofError, match="another capture"):
        hold_against({"input": {"sha256": ours}, "output": {"sha256": ours}}, file)


def test_keys_are_read_as_an_installation_tells_them_or_one_by_one() -> None:
    both = [public_key(SEED), public_key(OTHER)]
    told = json.dumps(keys_as_json(both))
    assert list(read_keys(told).values()) == both
    assert read_keys(base64.b64encode(both[0]).decode() + "\n") == KEYS
    assert all(len(key_id) == ID_CHARACTERS for key_id in read_keys(told))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAAA",
        "no base64!",
        "{",
        '{"keys": 7}',
        '{"keys": [{}]}',
        '{"keys": [{"public_key": 7}]}',
    ],
)
def test_what_is_no_key_is_told_in_a_sentence(text: str) -> None:
    with pytest.raises(ProofError, match=r"\.$"):
        read_keys(text)
