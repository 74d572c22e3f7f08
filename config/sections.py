"""The registry of sections: what can be set, what is allowed, and what must hold between settings.

A section is a frozen pydantic model that the app which reads it registers in its ``conf`` module.
Belongs here: declaring, and saying in words what a setting accepts.  Where values come from is
decided in ``layers``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from django.utils.translation import gettext_noop as _
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

Value = bool | int | float | str
S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """Some settings of one app.  Every field has a default and a description.

    What it says is marked for the catalogue and stays English; pages tell it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    # the first part of the names of its settings, its heading, and what they are for
    section: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Ordered:
    """A rule between two settings: ``lower`` stays below ``upper``, or may also equal it."""

    lower: str
    upper: str
    reason: str
    or_equal: bool = False


@dataclass(frozen=True, slots=True)
class Accepts:
    """Says in words what a text with a form of its own may be; stands in ``Annotated``.

    ``conceals``: what is refused may be a secret, so no sentence and no page quotes it.
    """

    words: str
    conceals: bool = False


class Registry:
    """Sections by name in the order of registering, and the rules between their settings."""

    def __init__(self) -> None:
        self._sections: dict[str, type[Section]] = {}
        self._rules: list[Ordered] = []

    def register(self, kind: type[S]) -> type[S]:
        """Add a section, as a decorator of its class."""
        self._sections[kind.section] = kind
        return kind

    def rule(self, *rules: Ordered) -> None:
        """Add rules; both settings of a rule are of sections that are registered."""
        for rule in rules:
            for name in (rule.lower, rule.upper):
                section, _, key = name.partition(".")
                if key not in self._sections[section].model_fields:
                    raise LookupError(f"a rule names {name}, which is no setting")
        self._rules += rules

    @property
    def sections(self) -> Mapping[str, type[Section]]:
        """The sections by name."""
        return self._sections

    @property
    def rules(self) -> Iterable[Ordered]:
        """The rules between settings."""
        return tuple(self._rules)


registry: Final = Registry()

# what a number may be, by its kind and bounds
_NUMBERS: Final[Mapping[tuple[Any, ...], str]] = {
    (int, Ge, Le): _("a whole number from %(lower)s to %(upper)s"),
    (int, Gt, Lt): _("a whole number above %(lower)s below %(upper)s"),
    (float, Ge, Le): _("a number from %(lower)s to %(upper)s"),
    (float, Gt, Le): _("a number above %(lower)s to %(upper)s"),
    (float, Gt, Lt): _("a number above %(lower)s below %(upper)s"),
}
COMPARISONS: Final[Mapping[bool, Callable[[Any, Any], bool]]] = {
    False: operator.lt,
    True: operator.le,
}


def accepted(field: FieldInfo) -> str:
    """Say what a setting accepts, as in "a whole number from 1 to 100"."""
    if field.annotation is bool:
        return _("true or false")
    choices = choices_of(field)
    if choices is not None:
        return _("one of: %(typed_choices)s") % {"typed_choices": ", ".join(sorted(choices))}
    form = next((each.words for each in field.metadata if isinstance(each, Accepts)), None)
    if form is not None:
        return form
    if field.annotation is str:
        return _("text")
    lower, upper = field.metadata
    words = _NUMBERS[field.annotation, type(lower), type(upper)]
    return words % {"lower": number(_limit(lower)), "upper": number(_limit(upper))}


def _limit(bound: Any) -> object:
    (limit,) = (getattr(bound, name) for name in ("ge", "gt", "le", "lt") if hasattr(bound, name))
    return limit


def conceals(field: FieldInfo) -> bool:
    """Tell whether what is refused for a setting may be a secret that must not be quoted."""
    return any(isinstance(each, Accepts) and each.conceals for each in field.metadata)


def number(value: object) -> str:
    """Return a value as a person reads it, large numbers with separators."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def fits(field: FieldInfo, value: object) -> bool:
    """Tell whether a setting accepts a value; text is no number, and a number no text."""
    choices = choices_of(field)
    if choices is not None:
        return value in choices
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    try:
        TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError:
        return False
    return True


def choices_of(field: FieldInfo) -> set[str] | None:
    """Return the values of a setting that has a list of them, None for others."""
    is_list = get_origin(field.annotation) is Literal
    return set(get_args(field.annotation)) if is_list else None
