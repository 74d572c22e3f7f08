"""Commands within sentences are whole, and marks of text are shown as marks."""

from __future__ import annotations

import re
import shlex
from typing import Final

import pytest
from django.core.management import get_commands, load_command_class

from config import documents
from pktmask_site.help.views import in_html
from tests.docs.test_labels import OPERATED_BY

BLOCK: Final = re.compile(r"^```.*?^```", re.M | re.S)
COMMAND: Final = re.compile(r"`(?:[\w./-]+ )*(?:manage\.py|pktmask-manage) ([^`\n]+)`")
SHOWN_CODE: Final = re.compile(r"<(code|pre)\b.*?</\1>", re.S)
ALL: Final = [(each.name, each.language) for each in documents.all_documents()]


@pytest.mark.parametrize(("name", "language"), [each for each in ALL if each[0] in OPERATED_BY])
def test_commands_within_sentences_have_what_they_need(name: str, language: str) -> None:
    document = documents.document(name, language)
    assert document is not None
    for command in COMMAND.findall(BLOCK.sub("", document.text)):
        of, *arguments = shlex.split(command)
        app = get_commands()[of]
        assert isinstance(app, str)
        # it raises CommandError that says what is missing
        load_command_class(app, of).create_parser("manage.py", of).parse_args(arguments)


@pytest.mark.parametrize(("name", "language"), [each for each in ALL if each[0] in OPERATED_BY])
def test_no_mark_is_shown_as_a_character(name: str, language: str) -> None:
    text = SHOWN_CODE.sub("", in_html(name, language).html)
    assert re.findall(r".{0,20}\*.{0,20}", text) == []
