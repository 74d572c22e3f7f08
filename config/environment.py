"""Frozen settings objects, read once from environment variables.

A section is a frozen dataclass whose fields have defaults.  The variable of a field is
``PKTMASK_<SECTION>__<FIELD>``, as in ``PKTMASK_TRIMMING__LEASE_SECONDS=30``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

from django.core.exceptions import ImproperlyConfigured

Section = TypeVar("Section")


def _boolean(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return known[text.lower()]


# type of a field: how its text is read, and what a person may write
READERS: Mapping[type, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    bool: (_boolean, "true or false"),
    str: (str, "text"),
}


def read_section(
    kind: type[Section], name: str, environ: Mapping[str, str] | None = None
) -> Section:
    """Return ``kind`` with the fields that the environment sets.

    Raises ImproperlyConfigured that names the variable, its value and the accepted form, also for
    a variable of the section that no field has.
    """
    source = os.environ if environ is None else environ
    prefix = f"PKTMASK_{name.upper()}__"
    types = get_type_hints(kind)
    known = {f"{prefix}{field.name.upper()}": field.name for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass, by contract
    values: dict[str, Any] = {}
    for variable, text in source.items():
        if not variable.startswith(prefix):
            continue
        if variable not in known:
            raise ImproperlyConfigured(
                f"{variable} is not known; the section {name} has: {', '.join(sorted(known))}"
            )
        read, form = READERS[types[known[variable]]]
        try:
            values[known[variable]] = read(text)
        except (KeyError, ValueError):
            raise ImproperlyConfigured(f"{variable} is {text!r}; expected {form}") from None
    return kind(**values)
