"""Finding the message that an English sentence was made from, and saying it in another language.

Pure.  A message is cut at its placeholders into pieces.  A sentence is one of that message if it
begins with the first piece, ends with the last, and has the others between them in order; what lies
between the pieces are the values.  Pieces are found from the left, so the time is that of a search
for text, whatever a sentence holds.

Of several messages that fit, the one with the most text of its own is meant.  A message of few
letters of its own, as in ``by %(name)s``, fits much that nobody translated: it is taken only where
all its values are figures or messages themselves.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from config.languages.catalogue import Entry

PLACEHOLDER: Final = re.compile(r"%\((\w+)\)[-#0 +]*\d*(?:\.\d+)?[sdfgir]")
# what a message must have of its own to be recognised whatever its values are
MIN_LETTERS: Final = 9
# what stands at a placeholder whose name begins so is typed as it stands, in any language
TYPED: Final = "typed_"
# what has tags stands in pages alone
TAG: Final = re.compile(r"</?\w")
# one number or several, each with its unit: 29 h 32 min
FIGURE: Final = r"[-+]?\d\S*(?: (?:%|[^\W\d_]{1,5}(?:/\w{1,5})?))?"
COUNTED: Final = re.compile(r"(\d\S*(?: %)?) ([^\W\d].*)")
FIGURES: Final = re.compile(f"{FIGURE}(?: {FIGURE})*")
BETWEEN_SENTENCES: Final = re.compile(r"(?<=[.?!]) |\n")
# what sentences of the other language end with, where no space follows
FULL_STOPS: Final = ("\N{IDEOGRAPHIC FULL STOP}", "\N{FULLWIDTH QUESTION MARK}")
# what is longer, or has more within it to be looked up, was typed by somebody
MAX_CHARACTERS: Final = 4000
MAX_LOOKUPS: Final = 200
# a message of two values with one of these between them and no letter of its own joins what is
# whole by itself, so it is tried before one that would take the rest for one of its values
JOINING: Final = ("; ", " (")
# under this context the catalogue says what stands between the parts of a list
BETWEEN: Final = "between the parts of a list"


class Found(NamedTuple):
    """What became of a text: ``is_known`` if nothing of it was left as it was."""

    text: str
    is_known: bool


Memo = dict[str, Found]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A message with placeholders: ``pieces`` stand around ``names``, one more than these."""

    pieces: tuple[str, ...]
    names: tuple[str, ...]
    translation: str

    @property
    def letters(self) -> int:
        """How many letters the message has of its own."""
        return sum(map(str.isalpha, "".join(self.pieces)))

    def values(self, text: str) -> dict[str, str] | None:
        """Return what stands in ``text`` at each placeholder; None if it is another message."""
        first, *middle, last = self.pieces
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return None
        found: dict[str, str] = {}
        for name, piece in zip(self.names, [*middle, None], strict=True):
            upto = end if piece is None else text.find(piece, at, end)
            if upto < 0 or found.setdefault(name, text[at:upto]) != text[at:upto]:
                return None
            at = upto + len(piece or "")
        return found


class Sentences:
    """All messages of a language, by the texts that may have been made from them."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._whole: dict[str, str] = {}
        self._small: dict[str, str] = {}
        self._by_letter: defaultdict[str, list[Pattern]] = defaultdict(list)
        self._joining: list[Pattern] = []
        self._between = dict[str, str]()
        # of one text under several contexts that without any is meant
        for entry in sorted(entries):
            if entry.context == BETWEEN:
                self._between[entry.originals[0]] = entry.translation
                continue
            for original in entry.originals:
                self._add(original, entry.translation)
        for patterns in self._by_letter.values():
            patterns.sort(key=lambda each: (-len("".join(each.pieces)), each.pieces))

    def _add(self, original: str, translation: str) -> None:
        pieces = PLACEHOLDER.split(original)
        if len(pieces) == 1:
            self._whole.setdefault(original, translation)
            self._small.setdefault(original.lower(), translation)
            return
        texts = tuple(piece.replace("%%", "%") for piece in pieces[::2])
        if TAG.search(original) or not "".join(texts).strip():
            return  # a page's, or what anything could be made of
        plain = PLACEHOLDER.sub(r"%(\1)s", translation)
        pattern = Pattern(texts, tuple(pieces[1::2]), plain)
        is_joining = not pattern.letters and len(texts) == 3 and texts[1] in JOINING
        (self._joining if is_joining else self._by_letter[texts[0][:1]]).append(pattern)

    def translated(self, text: str) -> str:
        """Return ``text`` in the other language, as far as it is made from messages."""
        if len(text) > MAX_CHARACTERS:
            return text
        return self._found(text, {}).text

    def _found(self, text: str, memo: Memo) -> Found:
        if text not in memo:
            if len(memo) >= MAX_LOOKUPS:
                return Found(text, is_known=False)
            # a value is never the whole again, but a list of one would be
            memo[text] = Found(text, is_known=False)
            memo[text] = self._looked_up(text, memo)
        return memo[text]

    def _looked_up(self, text: str, memo: Memo) -> Found:
        whole = self._whole.get(text) or self._small.get(text.lower())
        if whole is not None:
            return Found(whole, is_known=True)
        if not any(map(str.isalpha, text)):
            return Found(text, is_known=True)
        parts = BETWEEN_SENTENCES.split(text)
        found = [self._found(part, memo) for part in parts] if len(parts) > 1 else []
        if found and all(each.is_known for each in found):
            return side_by_side(found)
        loose = None
        for pattern, values in self._fitting(text):
            filled = self._filled(pattern, values, memo)
            if filled is not None and filled.is_known:
                return filled
            loose = loose or filled
        if any(each.is_known for each in found):
            return side_by_side(found)
        return (
            self._list(text, memo)
            or loose
            or self._counted(text, memo)
            or Found(text, FIGURES.fullmatch(text) is not None)
        )

    def _filled(self, pattern: Pattern, values: Mapping[str, str], memo: Memo) -> Found | None:
        """Return the translation with its values, known if none of these holds too much."""
        is_known = True
        said = {}
        for name, value in values.items():
            if name.startswith(TYPED):
                said[name] = value
                continue
            found = self._found(value, memo)
            if not found.is_known and pattern.letters < MIN_LETTERS:
                return None
            is_known &= found.is_known or BETWEEN_SENTENCES.search(value) is None
            said[name] = found.text
        # a sentence within a sentence follows a colon
        *_, before, last = pattern.pieces
        if not last and not before.endswith(": "):
            is_known &= not values[pattern.names[-1]].endswith(".")
        return Found(pattern.translation % said, is_known)

    def _fitting(self, text: str) -> Iterator[tuple[Pattern, dict[str, str]]]:
        starting, others = self._by_letter.get(text[:1], ()), self._by_letter.get("", ())
        for pattern in chain(self._joining, starting, others):
            values = pattern.values(text)
            if values is not None:
                yield pattern, values

    def _counted(self, text: str, memo: Memo) -> Found | None:
        """Return a figure with what it counts, as in ``95.2 % healthy``."""
        counted = COUNTED.fullmatch(text)
        if counted is None:
            return None
        what = self._found(counted[2], memo)
        return Found(f"{counted[1]} {what.text}", is_known=True) if what.is_known else None

    def _list(self, text: str, memo: Memo) -> Found | None:
        """Return a list of which every part is known."""
        for between, here in self._between.items():
            parts = text.split(between)
            found = [self._found(part, memo) for part in parts] if len(parts) > 1 else []
            if found and all(each.is_known for each in found):
                return Found(here.join(each.text for each in found), is_known=True)
        return None


def side_by_side(found: Sequence[Found]) -> Found:
    """Return sentences as one text."""
    said = found[0].text
    for each in found[1:]:
        said += each.text if said.endswith(FULL_STOPS) else f" {each.text}"
    return Found(said, all(each.is_known for each in found))
