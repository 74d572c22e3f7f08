"""Texts of the operating system within stored sentences."""

from __future__ import annotations

import os

import pytest
from django.utils import translation

from config.languages.system_errors import SYSTEM_ERRORS
from config.languages.told import told
from tests.monitoring.chinese import CHINESE


@pytest.mark.parametrize("number", SYSTEM_ERRORS)
def test_a_marked_text_is_what_the_system_says(number: int) -> None:
    assert SYSTEM_ERRORS[number] == os.strerror(number)


@pytest.mark.parametrize("said", SYSTEM_ERRORS.values())
def test_it_is_translated_where_a_sentence_quotes_it(said: str) -> None:
    with translation.override(CHINESE):
        shown = told(f"The storage or the disk failed: {said}.")
    assert shown.isascii() is False
    assert said not in shown
