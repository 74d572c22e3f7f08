"""What the operating system says of files and connections, as stored sentences quote it.

The C library speaks the language of its own locale, which services leave at English.  Marked here,
these texts are translated where they stand as a value within a sentence.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_noop as _

SYSTEM_ERRORS: Final[Mapping[int, str]] = {
    errno.EPERM: _("Operation not permitted"),
    errno.ENOENT: _("No such file or directory"),
    errno.EIO: _("Input/output error"),
    errno.ENOMEM: _("Cannot allocate memory"),
    errno.EACCES: _("Permission denied"),
    errno.EEXIST: _("File exists"),
    errno.ENOTDIR: _("Not a directory"),
    errno.EISDIR: _("Is a directory"),
    errno.EMFILE: _("Too many open files"),
    errno.EFBIG: _("File too large"),
    errno.ENOSPC: _("No space left on device"),
    errno.EROFS: _("Read-only file system"),
    errno.ENAMETOOLONG: _("File name too long"),
    errno.ELOOP: _("Too many levels of symbolic links"),
    errno.ESTALE: _("Stale file handle"),
    errno.EDQUOT: _("Disk quota exceeded"),
    errno.EADDRINUSE: _("Address already in use"),
    errno.ENETUNREACH: _("Network is unreachable"),
    errno.ECONNRESET: _("Connection reset by peer"),
    errno.ETIMEDOUT: _("Connection timed out"),
    errno.ECONNREFUSED: _("Connection refused"),
    errno.EHOSTUNREACH: _("No route to host"),
}
