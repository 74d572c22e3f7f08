"""An archive for support: what the service is like, without what people gave it.

Nothing is copied that could hold a capture, a secret or a name of a person: only named columns are
read, and of text only what comes from a closed vocabulary.  Free text of settings is told by
whether it is set.
"""

from __future__ import annotations

import io
import json
import platform
import shutil
import tarfile
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal, get_origin

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Count
from django.utils.translation import gettext as _

from config.current import adopt_newest, processes
from config.faults import type_and_place
from config.sections import registry
from migration.models import Decision, Rollout
from monitoring.alerts.models import Alert, Notification
from monitoring.models import HealthReport, Heartbeat, MetricSample
from pktmask_site.recovery.durable import write_durably
from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.redaction import redacted_lines
from pktmask_site.recovery.tables import applied_migrations
from pktmask_site.version import app_version
from trimming.models import RoutingPolicy, TrimJob, TrimRun

NEWEST: Final = 50
SET: Final = "[set]"
PACKAGES: Final = ("django", "django-q2", "channels", "numba", "numpy", "scapy", "scipy", "uvicorn")


def collect(target: Path, now: datetime, log: Path | None = None) -> list[str]:
    """Write the archive; return the names of its members.  Raises BackupError.

    ``log`` is a file with lines of the service's JSON log; of its end what is known to be harmless
    is taken.
    """
    if target.exists():
        raise BackupError(_("%(path)s is there already; name a new file.") % {"path": target})
    members = {f"{name}.json": _as_json(_asked(make)) for name, make in COLLECTORS.items()}
    try:
        if log is not None:
            members["log.jsonl"] = redacted_lines(log)
        write_durably(target, _packed(members, now))
    except OSError as error:
        raise BackupError(
            _("The archive could not be made: %(why)s.")
            % {"why": error.strerror or type(error).__name__}
        ) from None
    return list(members)


def _asked(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:  # an archive is asked for when things are broken
        return {"failed": type_and_place(error)}


def _as_json(found: Any) -> bytes:
    return json.dumps(found, indent=1, sort_keys=True, default=str).encode()


def _packed(members: Mapping[str, bytes], now: datetime) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"pktmask-diagnostics/{name}")
            entry.size, entry.mtime, entry.mode = len(content), int(now.timestamp()), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


# --- what is in it --------------------------------------------------------------------------------


def versions() -> dict[str, Any]:
    """Return what runs here."""
    return {
        "pktmask": app_version(),
        "environment": settings.INSTALLATION.name,
        "python": platform.python_version(),
        "system": platform.platform(),
        "database": connection.vendor,
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def effective_settings() -> dict[str, Any]:
    """Return the settings in force; of text that is free only whether there is any."""
    found = adopt_newest()
    return {
        name: {
            key: shown_value(field.annotation, found.value(name, key))
            for key, field in kind.model_fields.items()
        }
        for name, kind in registry.sections.items()
    }


def shown_value(kind: Any, value: Any) -> Any:
    """Return a value that comes from a closed set as it is, and of others whether there is one."""
    if isinstance(value, bool | int | float) or get_origin(kind) is Literal:
        return value
    return SET if value else ""


def health() -> list[dict[str, Any]]:
    """Return the newest health reports without their sentences."""
    return [
        {
            "at": report.at,
            "verdict": report.verdict,
            "score": report.score,
            "dimensions": {
                each.get("dimension"): each.get("verdict") for each in report.dimensions
            },
        }
        for report in HealthReport.objects.all()[:NEWEST]
    ]


def decisions() -> list[dict[str, Any]]:
    """Return the newest decisions of rollouts: moves, rules and verdicts."""
    columns = ("id", "at", "move", "rule", "state_before", "state_after", "policy_version")
    rows = Decision.objects.order_by("-pk")[:NEWEST]
    return [
        {
            **{name: getattr(row, name) for name in columns},
            "is_automatic": row.is_automatic,
            "results": {each["rule"]: each["verdict"] for each in row.results},
        }
        for row in rows
    ]


def policies() -> list[dict[str, Any]]:
    """Return the newest policies without who published them and why."""
    columns = ("version", "fence_epoch", "mode", "treatment_share", "shadow_share", "origin", "at")
    return list(RoutingPolicy.objects.values(*columns, "stands_back", "legacy_retired")[:NEWEST])


def counts() -> dict[str, Any]:
    """Return how many rows there are of each kind."""
    models = apps.get_models(include_auto_created=True)
    there = set(connection.introspection.table_names())
    return {
        "tables": {
            model._meta.db_table: model._base_manager.count()
            for model in models
            if model._meta.db_table in there
        },
        "jobs": _by(TrimJob, "state"),
        "runs": _by(TrimRun, "outcome", "arm"),
        "rollouts": _by(Rollout, "state"),
        "notifications": _by(Notification, "state"),
        "people": {group.name: group.user_set.count() for group in Group.objects.all()},
    }


def _by(model: Any, *columns: str) -> dict[str, int]:
    rows = model.objects.order_by().values_list(*columns).annotate(count=Count("pk"))
    return {"/".join(map(str, row[:-1])): row[-1] for row in rows}


def alerts() -> list[dict[str, Any]]:
    """Return the newest alerts: rules, severities and times."""
    columns = ("rule", "severity", "state", "since", "fired_at", "resolved_at", "level")
    return list(Alert.objects.values(*columns)[:NEWEST])


def signs_of_life() -> dict[str, Any]:
    """Return which parts gave a sign, and which version of the settings each process has."""
    return {
        "parts": list(Heartbeat.objects.values("name", "at", "started_at")),
        "processes": [{"kind": each.kind, "version": each.version} for each in processes()],
    }


def samples() -> list[dict[str, Any]]:
    """Return the newest samples; their values are numbers."""
    rows = MetricSample.objects.all()[:NEWEST]
    return [
        {
            "at": row.at,
            "late_ms": row.late_ms,
            "missed": row.missed,
            "values": {k: v for k, v in row.values.items() if isinstance(v, int | float)},
        }
        for row in rows
    ]


def upkeep() -> list[dict[str, Any]]:
    """Return the newest runs of upkeep without what they said."""
    columns = ("task", "state", "is_dry", "asked_at", "began_at", "ended_at")
    return list(UpkeepRun.objects.values(*columns)[:NEWEST])


def disk() -> dict[str, Any]:
    """Return room and use of the data folder, by the names of its own parts."""
    folder = Path(settings.DATA_DIR)
    usage = shutil.disk_usage(folder)
    parts = ("files", "incoming", "work", "backups", "static")
    return {
        "total_bytes": usage.total,
        "free_bytes": usage.free,
        "parts": {name: _size_of(folder / name) for name in parts},
    }


def _size_of(folder: Path) -> dict[str, int]:
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return {"files": len(sizes), "bytes": sum(sizes)}


def migrations() -> dict[str, Any]:
    """Return what the tables are at."""
    return dict(applied_migrations("default"))


COLLECTORS: Final[Mapping[str, Callable[[], Any]]] = {
    "versions": versions,
    "settings": effective_settings,
    "migrations": migrations,
    "counts": counts,
    "signs_of_life": signs_of_life,
    "health": health,
    "samples": samples,
    "policies": policies,
    "decisions": decisions,
    "alerts": alerts,
    "upkeep": upkeep,
    "disk": disk,
}
