"""``{{ decision.reason|told }}``: what was stored in English, in the language of the page."""

from __future__ import annotations

from django import template

from config.languages.told import told

register = template.Library()
register.filter("told", told)
