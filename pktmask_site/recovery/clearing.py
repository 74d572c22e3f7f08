"""Tasks that remove what nobody needs any more.  Each is bounded and safe beside the service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.loop import STALE_UPLOAD
from pktmask_site.recovery.choices import FilesChoice
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.stored_files import listed, missing, storage
from pktmask_site.recovery.upkeep import Done, tasks
from pktmask_site.sign_in.throttle import remove_old
from trimming import retention
from trimming.intake import kept_from
from trimming.models import Capture, TrimRun, output_path
from trimming.retention import expired_originals
from trimming.uploads import remove_stale_uploads, stale_uploads

# of what is found, so many are named
NAMED: Final = 20
# in one go
MOST_FILES: Final = 5_000
KEEP_RUNS: Final = timedelta(days=400)


@tasks.register(
    "originals",
    gettext_lazy("Expired originals"),
    gettext_lazy("Deletes originals that were kept long enough, unless something needs them."),
)
def originals(now: datetime, is_dry: bool) -> Done:
    """Delete expired originals, and finish deletions that were cut off."""
    if is_dry:
        return _counted(
            _("Originals that would be deleted: %(count)s."), expired_originals().count()
        )
    count = retention.delete_expired_originals()
    retention.remove_deleted_files()
    return _counted(_("Originals that were deleted: %(count)s."), count)


@tasks.register(
    "metrics",
    gettext_lazy("Old metrics"),
    gettext_lazy("Removes samples and rollups that were kept long enough."),
)
def metrics(now: datetime, is_dry: bool) -> Done:
    """Remove old samples and rollups."""
    # it brings NumPy, which a web process does not need
    from monitoring.metrics.rollups import expired, prune

    if is_dry:
        count = sum(rows.count() for rows in expired(now))
        return _counted(_("Rows that would be removed: %(count)s."), count)
    return _counted(_("Rows that were removed: %(count)s."), prune(now))


@tasks.register(
    "reports",
    gettext_lazy("Old reports"),
    gettext_lazy("Removes reports that were kept long enough."),
)
def reports(now: datetime, is_dry: bool) -> Done:
    """Remove old reports."""
    # as above
    from monitoring.reports.making import expired, prune

    if is_dry:
        return _counted(_("Reports that would be removed: %(count)s."), expired(now).count())
    return _counted(_("Reports that were removed: %(count)s."), prune(now))


@tasks.register(
    "sessions",
    gettext_lazy("Expired sessions"),
    gettext_lazy("Removes sign-ins that are over."),
)
def sessions(now: datetime, is_dry: bool) -> Done:
    """Remove expired sessions, and tries to sign in that say nothing any more."""
    count = Session.objects.filter(expire_date__lt=now).count()
    if is_dry:
        return _counted(_("Sessions that would be removed: %(count)s."), count)
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    remove_old(now)
    return _counted(_("Sessions that were removed: %(count)s."), count)


@tasks.register(
    "uploads",
    gettext_lazy("Stale uploads"),
    gettext_lazy("Removes what uploads left that were cut off."),
)
def uploads(now: datetime, is_dry: bool) -> Done:
    """Remove stale uploads."""
    if is_dry:
        count = len(list(stale_uploads(STALE_UPLOAD)))
        return _counted(_("Files that would be removed: %(count)s."), count)
    return _counted(_("Files that were removed: %(count)s."), remove_stale_uploads(STALE_UPLOAD))


@tasks.register(
    "orphans",
    gettext_lazy("Orphaned files"),
    gettext_lazy("Removes stored files that no row names, and names rows whose file is missing."),
)
def orphans(now: datetime, is_dry: bool) -> Done:
    """Look for files without rows and for rows without files."""
    place = storage()
    found = list(_without_rows(now))[:MOST_FILES]
    if not is_dry:
        for name in found:
            if not _is_known(name):  # asked again: it may have got its row meanwhile
                place.delete(name)
    lost = [each.name for each in missing(FilesChoice.ALL)]
    words = {"files": len(found), "rows": len(lost)}
    said = (
        _("Files without a row that would be removed: %(files)s; rows without a file: %(rows)s.")
        if is_dry
        else _("Files without a row that were removed: %(files)s; rows without a file: %(rows)s.")
    )
    details = {**words, "orphans": found[:NAMED], "missing": lost[:NAMED]}
    return Done(said % words, details, needs_look=bool(lost))


def _without_rows(now: datetime) -> Iterator[str]:
    """Yield the names of stored files that no row names and that are not of right now."""
    newest, keeps = now - STALE_UPLOAD, kept_from(now)
    for each in listed():
        is_aside = keeps is not None and each.stored_at < keeps
        if each.stored_at < newest and not is_aside and not _is_known(each.name):
            yield each.name


def _is_known(name: str) -> bool:
    """Tell whether a row names a file, or a run that has not ended may still store it."""
    if Capture.objects.filter(original=name).exists():
        return True
    if TrimRun.objects.filter(output=name).exists():
        return True
    open_runs = TrimRun.objects.filter(finished_at=None)
    return any(output_path(run) == name for run in open_runs)


@tasks.register(
    "history",
    gettext_lazy("Old runs of upkeep"),
    gettext_lazy("Removes what this page told more than 400 days ago."),
)
def history(now: datetime, is_dry: bool) -> Done:
    """Remove old rows of upkeep itself."""
    old = UpkeepRun.objects.filter(asked_at__lt=now - KEEP_RUNS)
    if is_dry:
        return _counted(_("Rows that would be removed: %(count)s."), old.count())
    return _counted(_("Rows that were removed: %(count)s."), old.delete()[0])


def _counted(sentence: str, count: int) -> Done:
    return Done(sentence % {"count": f"{count:,}"}, {"count": count})
