"""What differs between two configurations, for people.  Pure."""

from __future__ import annotations

from dataclasses import dataclass

from config.layers import Configuration, Origin
from config.sections import Value


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting with another value, or with the same value from another layer."""

    name: str
    before: Value
    after: Value
    origin_before: Origin
    origin: Origin


def compared(before: Configuration, after: Configuration) -> list[Difference]:
    """Return what differs, in the order of the registry."""
    found = []
    for section, settings in after.sections.items():
        for key in type(settings).model_fields:
            values = before.value(section, key), after.value(section, key)
            origins = before.origin(section, key), after.origin(section, key)
            if values[0] != values[1] or origins[0].layer != origins[1].layer:
                found.append(Difference(f"{section}.{key}", *values, *origins))
    return found
