"""The archive for support holds figures, and nothing of what was planted everywhere."""

from __future__ import annotations

import json
import tarfile
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import pytest
from django.core.management import call_command
from django.db import IntegrityError, models, transaction

from config.current import forget
from migration.choices import PhaseName
from pktmask_site.recovery import diagnostics, tables
from pktmask_site.recovery.diagnostics import COLLECTORS, SET, collect, shown_value
from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.redaction import redacted
from tests.factories import capture_bytes, make_job, make_user
from tests.migration.traffic import in_phase
from tests.pktmask_site.recovery.conftest import NOW
from trimming.models import TrimJob

pytestmark = pytest.mark.django_db
PLANTED = "Xq7planted"


def content_of(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as found:
        return {
            Path(each.name).name: found.extractfile(each).read().decode()  # type: ignore[union-attr]  # they are files
            for each in found
        }


def plant() -> int:
    """Put the marker into every free text of every row, one after the other; return into how many.

    Columns with choices hold values of the program; a column that must be unique keeps its own.
    """
    planted = 0
    for model in tables.models_to_keep():
        if model._meta.app_label in ("auth", "contenttypes") and model._meta.model_name != "user":
            continue
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.JSONField):
                value: Any = {PLANTED: [PLANTED], "note": PLANTED}
            elif isinstance(field, models.CharField | models.TextField | models.FileField):
                value = PLANTED[: getattr(field, "max_length", None) or 99]
            else:
                continue
            # the vocabulary of the program: moves, rules, tasks, names of its parts
            if field.choices or field.primary_key or field.unique or field.name in VOCABULARY:
                continue
            try:
                with transaction.atomic():
                    rows: models.QuerySet[Any] = models.QuerySet(model)
                    planted += bool(rows.update(**{field.name: value}))
            except IntegrityError:
                continue  # it may be there once only
    return planted


VOCABULARY = {"rule", "task", "strategy", "results", "dimensions", "labels"}


def test_nothing_that_was_planted_is_in_it(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, running_job: TrimJob
) -> None:
    in_phase(PhaseName.GRADUAL)
    make_job(make_user(), capture_bytes(PLANTED.encode()))
    assert plant() > 30
    (data_dir / "files" / PLANTED).write_text(PLANTED)
    monkeypatch.setenv("PKTMASK_EMAIL__USER", PLANTED)
    monkeypatch.setenv("PKTMASK_RECOVERY__BACKUP_FOLDER", f"/{PLANTED}")
    forget()
    log = tmp_path / "log"
    lines = [
        {"event": "started", "payload": PLANTED, "user": PLANTED, "count": 3},
        {"event": f"free text {PLANTED}", "reason": PLANTED, "labels": {PLANTED: 1, "k": PLANTED}},
        {"event": PLANTED + " \n", PLANTED + " ": 1},
    ]
    log.write_text("\n".join([*map(json.dumps, lines), f"no JSON {PLANTED}"]))
    archive = tmp_path / "archive.tar.gz"
    members = collect(archive, NOW, log)
    found = content_of(archive)
    assert list(found) == members
    for name, text in found.items():
        assert PLANTED not in text, name
        assert '"failed"' not in text or name == "counts.json", text
    for user in ("operator-", "viewer-"):
        assert user not in "".join(found.values())


def test_it_says_what_support_asks_for(tmp_path: Path, running_job: TrimJob) -> None:
    out = StringIO()
    archive = tmp_path / "a.tar.gz"
    call_command("collect_diagnostics", str(archive), stdout=out)
    found = {name: json.loads(text) for name, text in content_of(archive).items()}
    assert found.keys() == {f"{name}.json" for name in COLLECTORS}
    assert found["counts.json"]["jobs"] == {"running": 1}
    assert found["counts.json"]["people"]["operator"] == 1
    assert found["versions.json"]["pktmask"]
    assert found["settings.json"]["trimming"]["max_attempts"] == 3
    assert found["migrations.json"]["trimming"]
    assert "versions.json" in out.getvalue()


def test_what_cannot_be_read_is_named_and_the_rest_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ValueError(PLANTED)

    monkeypatch.setattr(diagnostics, "COLLECTORS", {**COLLECTORS, "disk": fail})
    collect(tmp_path / "a.tar.gz", NOW)
    found = content_of(tmp_path / "a.tar.gz")
    assert json.loads(found["disk.json"])["failed"]["kind"] == "ValueError"
    assert PLANTED not in found["disk.json"]
    assert json.loads(found["versions.json"])


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(BackupError, match="is there already"):
        collect(tmp_path / "a", NOW)
    assert (tmp_path / "a").read_text() == "mine"


def test_a_log_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="No such file"):
        collect(tmp_path / "a", NOW, tmp_path / "nothing")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, 3, 3),
        (bool, False, False),
        (Literal["a", "b"], "a", "a"),
        (str, "anything", SET),
        (str, "", ""),
    ],
)
def test_text_that_is_free_is_told_by_whether_it_is_set(
    kind: Any, value: object, expected: object
) -> None:
    assert shown_value(kind, value) == expected


def test_of_a_line_of_the_log_only_known_fields_are_kept() -> None:
    line = {"event": "step_failed", "log": {"level": "error"}, "name": "a", "n": 1, "rule": "a b"}
    assert redacted(json.dumps(line)) == {"event": "step_failed", "log.level": "error", "n": 1}
    assert redacted("[1]") is None
    assert redacted("{") is None
