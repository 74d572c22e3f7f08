"""``{{ decision.reason|told }}``: what was stored in English, in the language of the page.

``{{ names|listed }}``: the parts of a list side by side, as that language has them.
"""

from __future__ import annotations

from django import template

from config.languages.told import listed, told

register = template.Library()
register.filter("listed", listed)
register.filter("told", told)
