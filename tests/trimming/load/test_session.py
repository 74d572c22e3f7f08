"""Signing in and uploading, against a service that answers in every way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.trimming.load.stub import PASSWORD, Stub, accepted, refused, serving
from trimming.load.sending import ServiceError, Session


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving() as stub:
        yield stub


def signed_in(stub: Stub) -> Session:
    session = Session(stub.url)
    session.sign_in("admin", PASSWORD)
    return session


def test_an_upload_carries_the_form_the_token_and_the_file(stub: Stub) -> None:
    assert signed_in(stub).upload("a.pcap", b"the bytes") == ""
    ((token, body),) = stub.uploads
    assert token == "token"
    assert b'name="profile"\r\n\r\n3\r\n' in body
    assert b'filename="a.pcap"\r\n\r\nthe bytes\r\n' in body


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((200, accepted()), ""),
        ((200, refused("This is not a capture.")), "This is not a capture."),
        # as the service answers
        ((422, refused("This is not a capture.")), "This is not a capture."),
        ((413, b""), "HTTP 413"),
        ((500, b"{}"), "HTTP 500"),
        ((200, b"<html>"), "no JSON"),
        ((200, b"[]"), "no JSON"),
        ((200, b"{}"), "refused"),
        (None, "no connection"),
    ],
)
def test_every_answer_is_a_reason(stub: Stub, answer: tuple[int, bytes] | None, why: str) -> None:
    session = signed_in(stub)
    stub.answer = answer
    assert session.upload("a.pcap", b"") == why


def test_a_wrong_password_is_told(stub: Stub) -> None:
    with pytest.raises(ServiceError, match="Name or password of admin is wrong"):
        Session(stub.url).sign_in("admin", "guessed")


def test_who_may_not_upload_is_told_the_role_that_may(stub: Stub) -> None:
    stub.upload_page = "<p>Captures</p>"
    with pytest.raises(ServiceError, match="give the role operator"):
        signed_in(stub)


def test_another_service_is_told_apart(stub: Stub) -> None:
    stub.sign_in_page = "<h1>It works!</h1>"
    with pytest.raises(ServiceError, match="is not PktMask"):
        signed_in(stub)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "file:///etc/hostname"])
def test_what_is_no_address_of_a_service_is_told(url: str) -> None:
    with pytest.raises(ServiceError, match="begins with http"):
        Session(url).sign_in("admin", PASSWORD)
