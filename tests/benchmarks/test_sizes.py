import pytest

from benchmarks.sizes import parse_size_bytes


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("1000", 1000),
        ("50MB", 50_000_000),
        ("12.5 mb", 12_500_000),
        ("4MiB", 4 * 2**20),
        ("1GB", 10**9),
    ],
)
def test_sizes_are_read_with_their_unit(text: str, size_bytes: int) -> None:
    assert parse_size_bytes(text) == size_bytes


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "5 parsecs", "0", "0.1"])
def test_other_sizes_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="size "):
        parse_size_bytes(text)
