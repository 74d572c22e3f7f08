"""Secrets are named, not given: what a reference may be, and what it leads to."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from config.edits import read_edits
from config.layers import ConfigurationError, Given, resolve
from config.secret_references import (
    MAX_SECRET_BYTES,
    SecretMissingError,
    SecretReference,
    is_reference,
    secret,
)
from config.sections import Registry, Section, accepted, fits

LITERAL = "xoxb-1234-planted-secret"


class Post(Section):
    section: ClassVar = "post"
    title: ClassVar = "Post"
    help: ClassVar = "How letters are sent."

    password: SecretReference = Field("", description="where the password stands")


def registry() -> Registry:
    made = Registry()
    made.register(Post)
    return made


FIELD = Post.model_fields["password"]


@pytest.mark.parametrize(
    "text", ["", "env:PKTMASK_SLACK_TOKEN", "file:/run/secrets/slack", "file:/run/secrets/a-b.c/d"]
)
def test_nothing_and_references_are_accepted(text: str) -> None:
    assert fits(FIELD, text)


@pytest.mark.parametrize(
    "text",
    [
        LITERAL,
        "env:HOME",
        "env:pktmask_token",
        "env:PKTMASK_SECRET_KEY",
        "env:PKTMASK_DATABASE_URL",
        "env:PKTMASK_ADMIN_PASSWORD",
        "env:PKTMASK_REDIS_URL",
        "env:PKTMASK_S3_SECRET_KEY",
        "file:relative",
        "file:/run/secrets/../../etc/shadow",
        "file:/run/secrets/a b",
        "env:PKTMASK_A\n",
        7,
    ],
)
def test_what_is_no_reference_is_refused(text: object) -> None:
    assert not fits(FIELD, text)


def test_a_literal_secret_is_refused_with_a_sentence_that_does_not_show_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(registry(), [("file", {"post": {"password": Given(LITERAL, "a.yaml, line 2")}})])
    said = str(caught.value)
    assert LITERAL not in said
    assert said == (
        f"a.yaml, line 2: post.password is something else (not shown); expected {accepted(FIELD)}."
    )


def test_a_literal_secret_that_is_typed_into_the_console_is_neither_kept_nor_shown_again() -> None:
    present = resolve(registry(), [])
    found = read_edits(registry(), present, {}, {"post.password": LITERAL}, "version 2 by me")
    assert "not kept" in found.problems["post.password"]
    assert LITERAL not in repr(found)


def test_a_reference_leads_to_a_variable_or_a_file_without_white_space_around(
    tmp_path: Path,
) -> None:
    (tmp_path / "slack").write_text("from-file\n")
    environ = {"PKTMASK_A": " from-env ", "PKTMASK_SECRETS_DIR": str(tmp_path)}
    assert secret("env:PKTMASK_A", environ) == "from-env"
    assert secret(f"file:{tmp_path}/slack", environ) == "from-file"


def test_variables_of_this_process_are_the_usual_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_A", "here")
    assert secret("env:PKTMASK_A") == "here"


def test_what_leads_nowhere_says_where_it_was_looked_for(tmp_path: Path) -> None:
    environ = {"PKTMASK_SECRETS_DIR": str(tmp_path), "PKTMASK_EMPTY": "  "}
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"a" * (MAX_SECRET_BYTES + 1))
    for reference, words in {
        "env:PKTMASK_NONE": "The variable PKTMASK_NONE holds no secret",
        "env:PKTMASK_EMPTY": "The variable PKTMASK_EMPTY holds no secret",
        f"file:{tmp_path}/none": "cannot be read: No such file",
        f"file:{tmp_path}/empty": "holds no secret",
        f"file:{tmp_path}/binary": "is no text",
        f"file:{tmp_path}/large": "too large",
        "file:/etc/hostname": "the folder for secrets",
        LITERAL: "no reference",
    }.items():
        with pytest.raises(SecretMissingError, match=words) as caught:
            secret(reference, environ)
        assert LITERAL not in str(caught.value)


def test_the_key_of_the_service_goes_nowhere_although_it_is_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("the key")
    environ = {
        "PKTMASK_SECRETS_DIR": str(tmp_path),
        "PKTMASK_SECRET_KEY_FILE": str(tmp_path / "key"),
    }
    with pytest.raises(SecretMissingError, match="for the service itself"):
        secret(f"file:{tmp_path}/key", environ)


def test_a_link_out_of_the_folder_for_secrets_is_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "secrets", tmp_path / "outside"
    folder.mkdir()
    outside.write_text("a file of the machine")
    (folder / "link").symlink_to(outside)
    with pytest.raises(SecretMissingError, match="the folder for secrets"):
        secret(f"file:{folder}/link", {"PKTMASK_SECRETS_DIR": str(folder)})


@given(st.text())
def test_no_text_is_read_that_is_no_reference(text: str) -> None:
    if not is_reference(text):
        with pytest.raises(SecretMissingError, match="no reference"):
            secret(text, {})
