"""A registry of its own for tests: two sections and rules between them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from config.sections import Ordered, Registry, Section


class Kettle(Section):
    section: ClassVar = "kettle"
    title: ClassVar = "Kettle"
    help: ClassVar = "How water is boiled."

    boil_seconds: float = Field(90.0, ge=1, le=600, description="until it boils")
    cups: int = Field(2, gt=0, lt=100, description="how much")
    is_on: bool = Field(False, description="now")
    label: str = Field("tea", description="on its side")
    size: Literal["small", "large"] = Field("small", description="of the kettle")


class Kitchen(Section):
    section: ClassVar = "kitchen"
    title: ClassVar = "Kitchen"
    help: ClassVar = "The room."

    patience_seconds: float = Field(600.0, ge=1, le=3600, description="of guests")
    chairs: int = Field(4, ge=1, le=50, description="around the table")


def kettles() -> Registry:
    """Return a new registry."""
    registry = Registry()
    registry.register(Kettle)
    registry.register(Kitchen)
    registry.rule(
        Ordered("kettle.boil_seconds", "kitchen.patience_seconds", "guests wait for tea"),
        Ordered("kettle.cups", "kitchen.chairs", "who drinks sits", or_equal=True),
    )
    return registry
