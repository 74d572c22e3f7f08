"""Reading compiled catalogues."""

from __future__ import annotations

import gettext
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

from config.languages.catalogue import Entry, entries

COMPILED: Final = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES" / "django.mo"


def test_every_message_is_read_as_python_reads_it() -> None:
    with COMPILED.open("rb") as file:
        known = gettext.GNUTranslations(file)
    for entry in entries(COMPILED.read_bytes()):
        if len(entry.originals) == 2:
            said = known.ngettext(*entry.originals, 5)
        elif entry.context:
            said = known.pgettext(entry.context, entry.originals[0])
        else:
            said = known.gettext(entry.originals[0])
        assert said == entry.translation


def test_a_plural_and_a_context_are_known() -> None:
    found = {entry.originals: entry for entry in entries(COMPILED.read_bytes())}
    assert ("%(n)d more reason.", "%(n)d more reasons.") in found
    assert found[(", ",)] == Entry("between the parts of a list", (", ",), "、")
    assert ("",) not in found


def test_what_is_no_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with 950412de, found 20202020"):
        list(entries(b" " * 40))
