"""A YAML file of settings: sections, in them keys with one value each, every value with its line.

Read event by event, so that every message names a line, a key that stands twice is seen, and
nothing is expanded: aliases, tags and further documents are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import yaml
from django.utils.translation import gettext_noop as _

from config.layers import ConfigurationError, Given, Layer, Problem

MAX_FILE_BYTES: Final = 1 << 18
_values: Final = yaml.SafeLoader("")
_resolve: Final[Callable[..., str]] = _values.resolve

Event = yaml.Event
EMPTY: Final = _("the file is empty; write {} for no settings at all.")


def plain_value(text: str) -> object:
    """Return what a scalar without quotes means in YAML; what is no such value stays text."""
    tag = _resolve(yaml.ScalarNode, text, (True, False))
    try:
        return _values.construct_object(yaml.ScalarNode(tag, text))
    except ValueError:  # as of a date that is none
        return text


def read_yaml(data: bytes, name: str) -> Layer:
    """Return the settings in a file; places are "NAME, line N".

    Raises ConfigurationError with what is wrong first.
    """
    if len(data) > MAX_FILE_BYTES:
        sentence = _("the file is larger than %(limit)s bytes; it cannot be settings.")
        raise _error(name, None, sentence % {"limit": f"{MAX_FILE_BYTES:,}"})
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start)
        raise _error(name, line, _("the file is not UTF-8 text; save it as UTF-8.")) from None
    try:
        return _Reader(name, yaml.parse(text, Loader=yaml.SafeLoader)).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _error(name, mark.line if mark else None, _reason(error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position)
        raise _error(name, line, _("there is a control character; remove it.")) from None


def _reason(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "something is missing"
    if "\\t" in problem:
        return _("a tab stands where YAML allows none; indent with spaces.")
    return _("this is no YAML: %(problem)s.") % {"problem": problem}


def _error(name: str, line: int | None, sentence: str) -> ConfigurationError:
    return ConfigurationError([Problem(_place(name, line), sentence)])


def _place(name: str, line: int | None) -> str:
    if line is None:
        return name
    return _("%(typed_file)s, line %(line)d") % {"typed_file": name, "line": line + 1}


def _line(event: Event) -> int:
    assert event.start_mark is not None  # the parser notes it
    return event.start_mark.line


class _Reader:
    def __init__(self, name: str, events: Iterator[Event]) -> None:
        self._name = name
        self._events = events

    def read(self) -> Layer:
        """Read the one document."""
        self._next()  # the stream
        event = self._next()
        if not isinstance(event, yaml.DocumentStartEvent):
            raise _error(self._name, None, EMPTY)
        first = self._next()
        if isinstance(first, yaml.ScalarEvent) and not first.value:
            raise _error(self._name, None, EMPTY)
        if not isinstance(first, yaml.MappingStartEvent):
            raise self._at(first, _("expected sections, as in `trimming:`."))
        found: dict[str, dict[str, Given]] = {}
        for key in self._keys(found):
            found[key] = self._section(key)
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._at(event, _("a second document begins here; a file has one."))
        return found

    def _section(self, section: str) -> dict[str, Given]:
        event = self._next()
        if isinstance(event, yaml.ScalarEvent) and event.value in ("", "~", "null"):
            return {}  # a heading whose settings are all comments
        if not isinstance(event, yaml.MappingStartEvent):
            sentence = _("expected the settings of %(typed_name)s, each on a line of its own.")
            raise self._at(event, sentence % {"typed_name": section})
        found: dict[str, Given] = {}
        for key in self._keys(found):
            value = self._next()
            if not isinstance(value, yaml.ScalarEvent):
                sentence = _("%(typed_name)s takes one value, not a list or a mapping.")
                raise self._at(value, sentence % {"typed_name": f"{section}.{key}"})
            plain = value.implicit[0]
            given = plain_value(value.value) if plain else value.value
            found[key] = Given(given, _place(self._name, _line(value)))
        return found

    def _keys(self, found: dict[str, Any]) -> Iterator[str]:
        """Yield the keys of a mapping, to its end; who asks takes the values from the events."""
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._at(event, _("expected a name, found a list or a mapping."))
            if event.value in found:
                sentence = _("%(typed_name)s stands here for the second time.")
                raise self._at(event, sentence % {"typed_name": event.value})
            yield event.value

    def _next(self) -> Event:
        event = next(self._events)
        if isinstance(event, yaml.AliasEvent):
            sentence = _("aliases such as *%(typed_name)s are not used here; write the value.")
            raise self._at(event, sentence % {"typed_name": event.anchor})
        if tag := getattr(event, "tag", None):
            sentence = _("tags such as %(typed_name)s are not used here; write the value.")
            raise self._at(event, sentence % {"typed_name": tag})
        return event

    def _at(self, event: Event, sentence: str) -> ConfigurationError:
        return _error(self._name, _line(event), sentence)
