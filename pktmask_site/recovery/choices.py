"""Closed vocabularies of recovery."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from trimming.choices import Look


class FilesChoice(models.TextChoices):
    """Which stored files a backup holds."""

    NONE = "none", _("no files")
    ORIGINALS = "originals", _("originals")
    OUTPUTS = "outputs", _("results")
    ALL = "all", _("originals and results")


class FileKind(models.TextChoices):
    """What a stored file is."""

    ORIGINAL = "original", _("original")
    OUTPUT = "output", _("result")


KINDS: Final[dict[FilesChoice, tuple[FileKind, ...]]] = {
    FilesChoice.NONE: (),
    FilesChoice.ORIGINALS: (FileKind.ORIGINAL,),
    FilesChoice.OUTPUTS: (FileKind.OUTPUT,),
    FilesChoice.ALL: (FileKind.ORIGINAL, FileKind.OUTPUT),
}


class UpkeepState(models.TextChoices):
    """Where a run of a task stands."""

    ASKED = "asked", pgettext_lazy("upkeep", "Asked for")
    RUNNING = "running", pgettext_lazy("upkeep", "Running")
    DONE = "done", pgettext_lazy("upkeep", "Done")
    # it did its work, and found something that a person must look at
    FOUND = "found", pgettext_lazy("upkeep", "Needs a look")
    FAILED = "failed", pgettext_lazy("upkeep", "Failed")


UNDER_WAY: Final = (UpkeepState.ASKED, UpkeepState.RUNNING)
LOOKS: Final[dict[UpkeepState, Look]] = {
    UpkeepState.ASKED: Look("unknown", "wait"),
    UpkeepState.RUNNING: Look("run", "run"),
    UpkeepState.DONE: Look("ok", "ok"),
    UpkeepState.FOUND: Look("warn", "warn"),
    UpkeepState.FAILED: Look("fail", "fail"),
}
