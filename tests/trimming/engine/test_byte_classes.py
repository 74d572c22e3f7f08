"""What each profile does with each class of byte."""

from __future__ import annotations

import pytest

from trimming.engine.byte_classes import ByteClass, Pair, fill_for, masked_by_one
from trimming.engine.options import PROFILES, TrimOptions

STANDARD, SHARE_SAFE = PROFILES["standard"], PROFILES["share_safe"]
KEPT = {ByteClass.HEADER, ByteClass.FRAMING, ByteClass.SAMPLE, ByteClass.TLS_RECORD}


def _fills(options: TrimOptions) -> dict[ByteClass, int | None]:
    return {byte_class: fill_for(byte_class, options) for byte_class in ByteClass}


def test_the_standard_profile_zeroes_bodies_and_what_is_uncertain() -> None:
    zeroed = {ByteClass.BODY, ByteClass.UNCERTAIN}
    assert _fills(PROFILES["standard"]) == {
        c: 0 if c in zeroed else ord("x") if c is ByteClass.REDACTED else None for c in ByteClass
    }


def test_the_share_safe_profile_zeroes_what_is_not_http_too() -> None:
    assert {c for c, fill in _fills(PROFILES["share_safe"]).items() if fill is None} == KEPT


@pytest.mark.parametrize("byte_class", sorted(KEPT))
@pytest.mark.parametrize("options", PROFILES.values(), ids=list(PROFILES))
def test_headers_and_samples_are_kept_in_every_profile(
    byte_class: ByteClass, options: TrimOptions
) -> None:
    assert fill_for(byte_class, options) is None


def test_uncertain_bytes_can_be_kept() -> None:
    assert fill_for(ByteClass.UNCERTAIN, TrimOptions(uncertain="keep")) is None


def test_a_class_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(AssertionError):
        fill_for(99, TrimOptions())  # type: ignore[arg-type]


def test_the_numbers_are_stored_and_never_change() -> None:
    assert [(c.name, c.value) for c in ByteClass] == [
        ("HEADER", 1),
        ("FRAMING", 2),
        ("BODY", 3),
        ("UNCERTAIN", 4),
        ("OTHER", 5),
        ("REDACTED", 6),
        ("SAMPLE", 7),
        ("TLS_RECORD", 8),
    ]


def test_leaked_is_what_only_the_control_masks_and_over_masked_the_reverse() -> None:
    counts = {
        (ByteClass.BODY, ByteClass.HEADER): 1,
        (ByteClass.BODY, None): 10,
        (ByteClass.HEADER, ByteClass.BODY): 100,
        (None, ByteClass.UNCERTAIN): 1_000,
        # kept by both, masked by both
        (ByteClass.HEADER, None): 10_000,
        (ByteClass.BODY, ByteClass.UNCERTAIN): 100_000,
    }
    assert masked_by_one(counts, STANDARD) == (11, 1_100)


@pytest.mark.parametrize(
    ("pair", "options", "leaked", "over_masked"),
    [
        ((ByteClass.BODY, ByteClass.HEADER), STANDARD, 5, 0),
        ((ByteClass.BODY, None), STANDARD, 5, 0),
        ((None, ByteClass.BODY), STANDARD, 0, 5),
        ((ByteClass.HEADER, ByteClass.UNCERTAIN), STANDARD, 0, 5),
        # both overwrite it, with different bytes
        ((ByteClass.BODY, ByteClass.REDACTED), STANDARD, 0, 0),
        # neither does
        ((ByteClass.HEADER, ByteClass.FRAMING), STANDARD, 0, 0),
        # the profile decides
        ((ByteClass.OTHER, ByteClass.HEADER), STANDARD, 0, 0),
        ((ByteClass.OTHER, ByteClass.HEADER), SHARE_SAFE, 5, 0),
    ],
)
def test_a_byte_leaks_that_only_the_control_overwrites(
    pair: Pair, options: TrimOptions, leaked: int, over_masked: int
) -> None:
    assert masked_by_one({pair: 5}, options) == (leaked, over_masked)
