"""How tokens read."""

from __future__ import annotations

import pytest

from pktmask_site.api.token_text import bearer_of, digest_of, is_token, new_token, prefix_of


def test_tokens_are_new_each_time_and_look_like_tokens() -> None:
    texts = {new_token() for _ in range(100)}
    assert len(texts) == 100
    assert all(is_token(text) for text in texts)


@pytest.mark.parametrize(
    "text", ["", "pktmask_", "pktmask_" + "a" * 42, "pktmask_" + "a" * 44, "x" * 51, "pktmask_é"]
)
def test_nothing_else_is_looked_up(text: str) -> None:
    assert not is_token(text)


def test_of_two_tokens_digest_and_beginning_differ() -> None:
    one, two = new_token(), new_token()
    assert digest_of(one) != digest_of(two)
    assert one.startswith(prefix_of(one))
    assert len(prefix_of(one)) == 14


@pytest.mark.parametrize(
    ("header", "wanted"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("Bearer", ""), ("", "")],
)
def test_the_header_is_read_as_rfc_6750_has_it(header: str, wanted: str) -> None:
    assert bearer_of(header) == wanted
