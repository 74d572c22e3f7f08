"""Backups by the clock, the drill that restores the newest one, and which are kept."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pktmask_site.recovery.choices import FilesChoice
from pktmask_site.recovery.conf import recovery_settings
from pktmask_site.recovery.keeping import kept
from pktmask_site.recovery.manifest import FINISHED, BackupError
from pktmask_site.recovery.places import build_in, new_place
from pktmask_site.recovery.restoring import checked
from pktmask_site.recovery.stored_files import folder_of_storage
from pktmask_site.recovery.upkeep import Done, tasks
from pktmask_site.recovery.writing import UNFINISHED, make_backup
from trimming.quantities import duration, size

# as in pktmask-20261105-120000
NAME: Final = "pktmask-%Y%m%d-%H%M%S"
# what a backup leaves that was killed is removed after this
STALE: Final = timedelta(days=1)


def backup_folder() -> Path:
    """Return where backups by the clock are kept."""
    named = recovery_settings().backup_folder
    return Path(named) if named else Path(settings.DATA_DIR) / "backups"


def backups() -> dict[datetime, Path]:
    """Return the finished backups there by when they were made, oldest first."""
    found = {}
    folder = backup_folder()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            made = datetime.strptime(path.name, NAME).replace(tzinfo=UTC)
        except ValueError:
            continue
        if (path / FINISHED).is_file():
            found[made] = path
    return found


def backup_hours() -> float:
    """Return how often a backup is made."""
    return recovery_settings().backup_hours


def drill_hours() -> float:
    """Return how often a drill is held."""
    return recovery_settings().drill_hours


@tasks.register(
    "backup",
    gettext_lazy("Backup"),
    gettext_lazy("Backs the service up while it runs."),
    backup_hours,
)
def backup(now: datetime, is_dry: bool) -> Done:
    """Make a backup."""
    limits = recovery_settings()
    target = backup_folder() / f"{now:{NAME}}"
    if is_dry:
        free = shutil.disk_usage(_there(target)).free
        words = {"path": target, "free": size(free)}
        return Done(
            _("It would be %(path)s; %(free)s are free there.") % words, {"free_bytes": free}
        )
    began = time.perf_counter()
    found = make_backup(target, FilesChoice(limits.backup_files), now)
    took = time.perf_counter() - began
    words = {
        "rows": f"{found.rows:,}",
        "files": f"{len(found.files):,}",
        "size": size(found.size_bytes),
        "took": duration(took),
    }
    said = _("%(rows)s rows and %(files)s files, %(size)s, in %(took)s.") % words
    details = {
        "path": str(target),
        "rows": found.rows,
        "files": len(found.files),
        "bytes": found.size_bytes,
        "took_seconds": round(took, 1),
        "faults": list(found.faults[:20]),
    }
    return Done(" ".join([said, *found.faults[:3]]), details, needs_look=bool(found.faults))


def _there(path: Path) -> Path:
    return path if path.exists() else _there(path.parent)


@tasks.register(
    "old_backups",
    gettext_lazy("Old backups"),
    gettext_lazy("Removes backups by the clock that were kept long enough."),
)
def old_backups(now: datetime, is_dry: bool) -> Done:
    """Remove backups that are not kept any more, and what killed ones left."""
    limits = recovery_settings()
    there = backups()
    keep = kept(there, now, limits.keep_daily_days, limits.keep_weekly_days)
    gone = [path for made, path in there.items() if made not in keep]
    gone += _unfinished(now)
    if not is_dry:
        for path in gone:
            shutil.rmtree(path)
    words = {"gone": len(gone), "kept": len(keep)}
    said = (
        _("Backups that would be removed: %(gone)s; kept: %(kept)s.")
        if is_dry
        else _("Backups that were removed: %(gone)s; kept: %(kept)s.")
    )
    return Done(said % words, words)


def _unfinished(now: datetime) -> list[Path]:
    folder = backup_folder()
    found = folder.glob(f".*{UNFINISHED}*") if folder.is_dir() else ()
    before = (now - STALE).timestamp()
    return [path for path in found if path.is_dir() and path.stat().st_mtime < before]


@tasks.register(
    "restore_drill",
    gettext_lazy("Restore drill"),
    gettext_lazy("Restores the newest backup in a place of its own, compares it, and removes it."),
    drill_hours,
)
def restore_drill(now: datetime, is_dry: bool) -> Done:
    """Restore the newest backup beside the service, and compare rows and files."""
    there = backups()
    if not there:
        raise BackupError(_("There is no backup by the clock to restore."))
    made, path = max(there.items())
    if is_dry:
        return Done(_("It would restore %(name)s.") % {"name": path.name}, {"backup": path.name})
    began = time.perf_counter()
    manifest = checked(path).manifest
    # files that the backup lacks are not fetched out of a bucket for it
    stored = folder_of_storage()
    present = () if stored is None else ("--present", str(stored))
    with new_place(Path(settings.DATA_DIR), "drill", in_folder=True) as place:
        built = build_in(place, path, "--links", *present)
    took = time.perf_counter() - began
    if built["rows"] != manifest.rows or built["files"] != len(manifest.files):
        raise BackupError(_("What was restored is not what the backup holds."))
    if not built["in_order"]:
        raise BackupError(_("What was restored would give scanning again, or is half done."))
    words = {
        "name": path.name,
        "rows": f"{built['rows']:,}",
        "files": f"{built['files']:,}",
        "took": duration(took),
    }
    said = _("%(name)s was restored: %(rows)s rows and %(files)s files are equal, in %(took)s.")
    details = {
        "backup": path.name,
        "made_at": made.isoformat(),
        "rows": built["rows"],
        "files": built["files"],
        "took_seconds": round(took, 1),
    }
    return Done(said % words, details)
