"""What must be true of an installation before anything is started, with stable ids."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning, register

from config.file_watch import settings_folder
from config.files import MAIN, read_files
from config.layers import ConfigurationError, Layer, Problem
from config.versions import EMPTY, resolved
from trimming.apart.confinement import MEANS, lacking


@register
def check_installation(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Find a data folder that cannot be used, a missing secret key, and a wrong environment."""
    found: list[CheckMessage] = []
    if not os.access(settings.FILE_UPLOAD_TEMP_DIR, os.W_OK):
        found.append(
            Error(
                f"The data folder {settings.DATA_DIR} cannot be written.",
                hint="Name a folder that this user may write in PKTMASK_DATA_DIR.",
                id="pktmask.E001",
            )
        )
    if not settings.INSTALLATION.secret_key:
        found.append(
            Error(
                "There is no secret key, and none could be made in the data folder.",
                hint="Set PKTMASK_SECRET_KEY, or name a readable file in PKTMASK_SECRET_KEY_FILE.",
                id="pktmask.E002",
            )
        )
    if not settings.INSTALLATION.is_alone and not settings.INSTALLATION.has_given_key:
        found.append(
            Error(
                "Machines that share a database need the same secret key, and none was given.",
                hint="Set PKTMASK_SECRET_KEY or PKTMASK_SECRET_KEY_FILE, the same on each of them.",
                id="pktmask.E005",
            )
        )
    # the files may set right what the environment alone contradicts
    wrong = _problems(_files) and _problems(lambda: EMPTY)
    return found + [Error(str(problem), id="pktmask.E003") for problem in wrong]


@register(deploy=True)
def check_files(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Find files of settings that are wrong, or missing.

    Commands do their work all the same: the service goes by the last valid state, and `up` says
    so, or refuses where there is none.
    """
    found: list[CheckMessage] = []
    if not _problems(lambda: EMPTY):  # or it would be told twice
        found += [Error(str(problem), id="pktmask.E003") for problem in _problems(_files)]
    if not settings.INSTALLATION.is_local and not (settings_folder() / MAIN).is_file():
        found.append(
            Error(
                f"The environment {settings.INSTALLATION.name} has no file of settings.",
                hint=f"Make {settings_folder() / MAIN}; it may hold {{}} for no settings at all.",
                id="pktmask.E004",
            )
        )
    return found


@register(deploy=True)
def check_shared_files(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Find captures in a folder while the database is shared: others may not have the folder."""
    if settings.INSTALLATION.is_alone or settings.INSTALLATION.bucket is not None:
        return []
    return [
        Warning(
            "Machines can share the database, and captures are kept in a folder of this one.",
            hint=(
                "Name a bucket in PKTMASK_S3_BUCKET, or see to it that the folder `files` in "
                "PKTMASK_DATA_DIR is on a file system that all machines share."
            ),
            id="pktmask.W001",
        )
    ]


@register(deploy=True)
def check_readers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Find a system on which processes that read captures are confined less than they could be."""
    missing = lacking()
    if not missing:
        return []
    said = (
        f"Captures are read with less isolation than there could be: no {' and no '.join(missing)}."
    )
    hint = (
        "Run workers on Linux with libseccomp and a kernel with Landlock (5.13 or newer), or take "
        "captures only from people you trust."
    )
    # where one of the two is missing the other one holds; other systems than Linux have neither
    if sys.platform.startswith("linux") and len(missing) == MEANS:
        return [Warning(said, hint=hint, id="pktmask.W002")]
    return [Info(said, hint=hint, id="pktmask.I001")]


def _files() -> Layer:
    return read_files(settings_folder(), needed=False)


def _problems(read: Callable[[], Layer]) -> Sequence[Problem]:
    """Return what is wrong with files and environment together."""
    try:
        resolved(read(), EMPTY, 0)
    except ConfigurationError as error:
        return error.problems
    return ()
