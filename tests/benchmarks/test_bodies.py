from random import Random
from statistics import median

import pytest

from benchmarks.bodies import MAX_BODY_BYTES, BodyPool


@pytest.fixture(scope="module")
def pool() -> BodyPool:
    return BodyPool(Random(1))


def test_body_sizes_have_the_stated_median_and_limits(pool: BodyPool) -> None:
    rng = Random(1)
    sizes_bytes = [pool.draw_size_bytes(rng) for _ in range(5_000)]
    assert 18_000 < median(sizes_bytes) < 22_000
    assert min(sizes_bytes) >= 1
    assert max(sizes_bytes) <= MAX_BODY_BYTES


def test_a_body_of_the_greatest_size_can_be_drawn_of_either_kind(pool: BodyPool) -> None:
    rng = Random(1)
    for _ in range(20):
        body, _ = pool.draw(rng, MAX_BODY_BYTES)
        assert len(body) == MAX_BODY_BYTES


def test_a_body_that_looks_like_http_does_not_open_with_a_start_line(pool: BodyPool) -> None:
    rng = Random(1)
    for _ in range(500):
        body, media_type = pool.draw(rng, 1_000)
        if media_type.startswith("text/plain"):
            start_lines = [
                index
                for index, line in enumerate(bytes(body).split(b"\n"))
                if line.startswith(b"HTTP/1.1 ") or line.endswith(b" HTTP/1.1\r")
            ]
            assert start_lines[0] > 0
