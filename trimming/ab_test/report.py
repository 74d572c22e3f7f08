"""A result as one page that needs nothing else: no script, no other file, no other host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from trimming.ab_test.draw import ROLES
from trimming.ab_test.pictures import COLOURS, PICTURES, draw
from trimming.ab_test.shown import gravest_first, is_clean, lines, machine_facts, sentence, tiles


def as_html(result: Mapping[str, Any]) -> str:
    """Return the page.  Names of files are text in it, whatever they hold."""
    context = {
        "result": result,
        "versions": [(role, result["strategies"][role] or "?") for role in ROLES],
        "machine": machine_facts(result["machine"]),
        "sentence": sentence(result["summary"]),
        "is_clean": is_clean(result["summary"]),
        "tiles": tiles(result["summary"]),
        "lines": lines(gravest_first(result["captures"])),
        # drawn here, of numbers and of the names of classes
        "pictures": [mark_safe(draw(name, result, alone=False)) for name in PICTURES],
        "colours": COLOURS,
    }
    return render_to_string("trimming/ab_test_report.html", context)
