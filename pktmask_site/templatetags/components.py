"""The components of which pages are made, as far as they take words; each is a partial.

``{% load components %}``, then ``{% notice "warn" %}<p>…</p>{% endnotice %}``.  The page
``/style/`` shows all of them.  What holds no words of a page is included: ``partials/chip.html``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.forms import BaseForm
from django.template.loader import get_template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


def _part(template_name: str, /, **context: Any) -> SafeString:
    return mark_safe(get_template(f"partials/{template_name}.html").render(context))


@register.simple_tag
def icon(shape: str) -> SafeString:
    """Show a shape of the sprite beside words that say the same."""
    return _part("icon", shape=shape)


@register.simple_block_tag
def notice(
    content: str,
    tone: str,
    shape: str = "",
    title: str = "",
    name: str = "",
    is_alert: bool = False,
) -> SafeString:
    """Show what went wrong or must be known, above what it is about.

    ``tone``: ok, warn, fail, unknown or run, and the shape unless another is given.  ``name`` is
    the id of its title; of an alert it is that of the whole, on which the page may put the focus.
    """
    return _part(
        "notice",
        content=content,
        tone=tone,
        shape=shape or tone,
        title=title,
        name=name,
        is_alert=is_alert,
    )


@register.simple_tag
def refused(
    said: str | Iterable[str] = "",
    form: BaseForm | None = None,
    name: str = "",
    is_kept: bool = False,
) -> SafeString:
    """Show why nothing was changed: sentences, and what a form says of its fields.

    Nothing where there is nothing to say.  ``is_kept``: what was typed is still there.
    """
    sentences = [said] * bool(said) if isinstance(said, str) else list(said)
    if form is not None:
        sentences += [str(each) for errors in form.errors.values() for each in errors]
    if not sentences:
        return SafeString()
    return _part("refused", sentences=sentences, name=name, is_kept=is_kept)


@register.simple_block_tag
def empty(content: str, title: str = "", level: int = 2) -> SafeString:
    """Show that there is nothing, and what to do next."""
    return _part("empty", content=content, title=title, level=level)


@register.simple_block_tag
def effect(content: str, tone: str, shape: str = "") -> SafeString:
    """Show one consequence in a list of class ``effects``."""
    return _part("effect", content=content, tone=tone, shape=shape or tone)


@register.simple_block_tag
def tile(content: str, title: str, figure: str = "", level: int = 3) -> SafeString:
    """Show a figure that people watch; below it, or instead, what else is said of it."""
    return _part("tile", content=content, title=title, figure=figure, level=level)


@register.simple_block_tag
def field(
    content: str, name: str, label: str, note: str = "", errors: Iterable[str] = ()
) -> SafeString:
    """Show a field with its label and what is wrong with it; ``content`` is the input itself.

    ``name`` is the id of the input, which says ``{% wrong name errors %}`` within its tag.
    """
    return _part("field", content=content, name=name, label=label, note=note, errors=errors)


@register.simple_tag
def wrong(name: str, errors: Iterable[str] = (), described_by: str = "") -> SafeString:
    """Say within the tag of an input what describes it, and that it is wrong where it is."""
    said = [*described_by.split(), *([f"wrong-{name}"] if errors else [])]
    text = format_html(' aria-describedby="{}"', " ".join(said)) if said else SafeString()
    return format_html(' aria-invalid="true"{}', text) if errors else text
