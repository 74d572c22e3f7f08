"""All addresses of the service, as Django resolves them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Address:
    """One pattern.  ``name`` holds its namespaces; patterns without one are named by themselves."""

    pattern: str
    name: str

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of its arguments, in order."""
        return tuple(ARGUMENT.findall(self.pattern))

    def filled(self, values: dict[str, Any]) -> str:
        """Return the path with a value for each argument."""
        return "/" + ARGUMENT.sub(lambda found: str(values[found.group(1)]), self.pattern)


@cache
def all_addresses() -> tuple[Address, ...]:
    """Return every pattern, in the order in which they are tried."""
    return tuple(_walk(get_resolver(), "", ()))


def _walk(resolver: Any, before: str, spaces: tuple[str, ...]) -> Iterator[Address]:
    for each in resolver.url_patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLResolver):
            inner = (*spaces, each.namespace) if each.namespace else spaces
            yield from _walk(each, path, inner)
        else:
            assert isinstance(each, URLPattern)
            yield Address(path, ":".join((*spaces, each.name)) if each.name else path)
