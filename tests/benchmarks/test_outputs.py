from pathlib import Path

import pytest

from benchmarks.outputs import first_difference


@pytest.mark.parametrize(
    ("one", "other", "offset"),
    [(b"same", b"same", None), (b"", b"", None), (b"abc", b"abX", 2), (b"abc", b"ab", 2)],
)
def test_the_first_difference_is_found(
    tmp_path: Path, one: bytes, other: bytes, offset: int | None
) -> None:
    (tmp_path / "one").write_bytes(one)
    (tmp_path / "other").write_bytes(other)
    assert first_difference(tmp_path / "one", tmp_path / "other") == offset


def test_a_difference_in_a_later_block_is_found(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(bytes(3 * 2**20))
    (tmp_path / "other").write_bytes(bytes(2 * 2**20 + 5) + b"x" + bytes(2**20 - 6))
    assert first_difference(tmp_path / "one", tmp_path / "other") == 2 * 2**20 + 5
