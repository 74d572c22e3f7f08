"""What went wrong, in words that quote nothing."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error

import pytest

from config.secret_references import SecretMissingError
from monitoring.channels.base import ChannelError
from monitoring.channels.failures import MAX_PATIENCE_SECONDS, as_channel_errors, patience
from tests.monitoring.channels.messages import NOW


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ssl.SSLCertVerificationError("planted"), "It shows a certificate that cannot be trusted."),
        (ssl.SSLError("planted"), "The TLS connection to It failed."),
        (TimeoutError("planted"), "It did not answer in time."),
        (urllib.error.URLError(TimeoutError("planted")), "It did not answer in time."),
        (urllib.error.URLError("planted"), "It cannot be reached."),
        (socket.gaierror("planted"), "The name of It cannot be resolved."),
        (ConnectionRefusedError("planted"), "It does not listen at that address."),
        (ConnectionResetError("planted"), "It broke the connection off."),
        (http.client.BadStatusLine("planted"), "It answered with something that is no HTTP."),
        (OSError("planted"), "It cannot be reached."),
    ],
)
def test_errors_of_the_way_may_be_tried_again_and_are_told_in_our_words(
    error: Exception, said: str
) -> None:
    with pytest.raises(ChannelError) as caught, as_channel_errors("It"):
        raise error
    assert (str(caught.value), caught.value.permanent) == (said, False)


def test_what_nobody_foresaw_is_told_by_type_and_place_only() -> None:
    with pytest.raises(ChannelError) as caught, as_channel_errors("It"):
        raise KeyError("planted")
    assert "KeyError at test_failures.py" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_a_missing_secret_says_what_to_do() -> None:
    with pytest.raises(ChannelError, match="give it one"), as_channel_errors("It"):
        raise SecretMissingError("The variable A is empty; give it one.")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"Retry-After": "99999999999999999999"}, MAX_PATIENCE_SECONDS),
        ({"Retry-After": "Sun, 29 Nov 2026 07:32:05 GMT"}, 60.0),
        ({"Retry-After": "Sun, 29 Nov 2026 07:32:05"}, 60.0),
        ({"Retry-After": "Sun, 29 Nov 2020 07:32:05 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "\u0661"}, None),
        ({}, None),
    ],
)
def test_a_receiver_may_ask_for_patience_but_for_an_hour_at_most(
    said: dict[str, str], seconds: float | None
) -> None:
    assert patience(said, NOW) == seconds
