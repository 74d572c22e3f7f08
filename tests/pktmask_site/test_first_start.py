"""What is made at the first start, and only then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from config.models import AuditEvent
from config.roles import ADMINISTRATOR
from pktmask_site import first_start
from pktmask_site.first_start import (
    Account,
    PasswordRefusedError,
    is_first_start,
    make_first_administrator,
)
from tests.factories import make_capture, make_user
from trimming.choices import CaptureOrigin, JobState
from trimming.engine.formats.capture import CaptureFile
from trimming.models import Capture, TrimJob
from trimming.runner import run_job
from trimming.samples import samples

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(first_start.PASSWORD_VARIABLE, raising=False)


def test_the_first_administrator_may_do_everything() -> None:
    account = make_first_administrator()
    assert account is not None
    assert account.name == "admin"
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser) == (True, True)
    assert [group.name for group in user.groups.all()] == [ADMINISTRATOR]
    assert account.password is not None
    assert user.check_password(account.password)


def test_a_generated_password_is_long_new_each_time_and_kept_nowhere_in_clear(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("DEBUG"):
        first = make_first_administrator()
    assert first is not None
    assert first.password is not None
    assert len(first.password) == 20
    assert first.password not in caplog.text
    assert first.password not in User.objects.get().password
    assert first.password not in str(list(AuditEvent.objects.values()))
    User.objects.all().delete()
    second = make_first_administrator()
    assert second is not None
    assert second.password != first.password


def test_a_password_from_the_environment_is_taken_and_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(first_start.PASSWORD_VARIABLE, "chosen")
    assert make_first_administrator() == Account("admin", None)
    assert User.objects.get().check_password("chosen")


def test_a_weak_password_is_refused_beyond_one_machine(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.INSTALLATION = replace(settings.INSTALLATION, name="production")
    monkeypatch.setenv(first_start.PASSWORD_VARIABLE, "12345")
    with pytest.raises(PasswordRefusedError, match="too short"):
        make_first_administrator()
    assert not User.objects.exists()


def test_where_there_is_somebody_nobody_is_made() -> None:
    make_user()
    assert make_first_administrator() is None
    assert User.objects.count() == 1


def test_the_first_administrator_gets_samples_once() -> None:
    make_first_administrator()
    assert first_start.make_samples() == 4
    assert set(Capture.objects.values_list("origin", flat=True)) == {CaptureOrigin.SAMPLE}
    assert first_start.make_samples() == 0
    Capture.objects.update(deleted_at="2026-01-01T00:00Z")
    assert first_start.make_samples() == 0


def test_nobody_gets_samples_where_there_are_captures_or_no_administrator() -> None:
    user = make_user()
    assert first_start.make_samples() == 0
    make_first_administrator()
    make_capture(user)
    assert first_start.make_samples() == 0


@pytest.mark.django_db(transaction=True)
def test_every_sample_is_trimmed_verified_and_free_of_warnings() -> None:
    User.objects.create_superuser("admin")
    first_start.make_samples()
    for job in TrimJob.objects.all():
        run_job(job.pk, "test/1")
        job.refresh_from_db()
        assert job.state == JobState.DONE
        assert job.published_run is not None
        report = job.published_run.report
        assert report is not None
        assert report["masked_bytes"] > 0
        assert report["warnings"] == []


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_a_sample_says_its_format_and_is_the_same_each_time(sample: Any, tmp_path: Path) -> None:
    path = tmp_path / "sample"
    path.write_bytes(sample.data)
    with CaptureFile(path) as capture:
        assert capture.file_format == sample.file_format
    assert sample in samples()


def test_static_files_are_collected_when_one_has_changed(tmp_path: Path, settings: Any) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "one.css").write_text("a {}")
    settings.STATICFILES_DIRS = [source]
    settings.STATIC_ROOT = tmp_path / "static"
    assert first_start.collect_static_files()
    assert (tmp_path / "static" / "one.css").exists()
    assert not first_start.collect_static_files()
    (source / "two.css").write_text("b {}")
    (source / "one.css").unlink()
    assert first_start.collect_static_files()
    assert (tmp_path / "static" / "two.css").exists()
    assert not (tmp_path / "static" / "one.css").exists()


@pytest.fixture
def database_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the database would lie; the connection is already open and stays what it is."""
    file = tmp_path / "pktmask.sqlite3"
    monkeypatch.setitem(connection.settings_dict, "NAME", str(file))
    return file


def test_a_start_with_tables_is_not_the_first(database_file: Path) -> None:
    database_file.touch()
    assert not is_first_start()


def test_a_start_without_tables_is_the_first_and_looking_makes_no_database(
    database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_first_start()
    assert not database_file.exists()
    database_file.touch()
    monkeypatch.setattr(connection.introspection, "table_names", list)
    assert is_first_start()


def test_where_the_database_does_not_answer_nobody_calls_it_the_first(
    database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[str]:
        raise OperationalError("the server is starting up")

    database_file.touch()
    monkeypatch.setattr(connection.introspection, "table_names", fail)
    assert not is_first_start()
