"""Closed vocabularies of judging, each value with its word, its tone and its shape."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from trimming.choices import Look


class Verdict(models.TextChoices):
    """What a check says of a dimension, or of the whole."""

    OK = "ok", _("Ok")
    WARN = "warn", _("Warn")
    FAIL = "fail", _("Fail")
    UNKNOWN = "unknown", _("Unknown")
    NOT_APPLICABLE = "not_applicable", _("Not applicable")


VERDICT_LOOKS: dict[Verdict, Look] = {
    Verdict.OK: Look("ok", "ok"),
    Verdict.WARN: Look("warn", "warn"),
    Verdict.FAIL: Look("fail", "fail"),
    Verdict.UNKNOWN: Look("unknown", "unknown"),
    Verdict.NOT_APPLICABLE: Look("unknown", "na"),
}


class Dimension(models.TextChoices):
    """What health is judged by."""

    STRATEGY_SELECTION = "strategy_selection", _("Strategy selection")
    PERFORMANCE = "performance", _("Performance")
    ERROR_RATE = "error_rate", _("Error rate")
    RESOURCES = "resources", _("Resources")
    BUSINESS = "business", _("Business")
