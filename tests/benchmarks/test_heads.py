from random import Random

from benchmarks.heads import MAX_HEAD_BYTES, MIN_HEAD_BYTES, request_head, response_head


def test_heads_are_within_the_stated_sizes() -> None:
    rng = Random(1)
    long_field = "Content-Type: application/octet-stream"
    heads = [request_head(rng, "POST", [long_field, "Content-Length: 1"]) for _ in range(500)]
    heads += [request_head(rng, "GET", []) for _ in range(500)]
    heads += [response_head(rng, 204, []) for _ in range(500)]
    sizes_bytes = [len(head) for head in heads]
    assert min(sizes_bytes) >= MIN_HEAD_BYTES
    assert max(sizes_bytes) <= MAX_HEAD_BYTES
    assert max(sizes_bytes) - min(sizes_bytes) > 400


def test_a_head_has_each_field_once_and_ends_with_a_blank_line() -> None:
    rng = Random(1)
    for _ in range(500):
        head = response_head(rng, 200, ["Content-Length: 5"]).decode("ascii")
        start_line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        assert start_line == "HTTP/1.1 200 OK"
        assert head.endswith("\r\n\r\n")
        assert lines.count("Content-Length: 5") == 1
        assert all(": " in line for line in lines)
