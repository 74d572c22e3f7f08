"""What this process goes by, and how it comes to know of a newer version."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from config import current as engine
from config.choices import VersionKind
from config.current import (
    GONE_AFTER,
    Watch,
    adopt_newest,
    current,
    forget,
    forget_gone_processes,
    pinned,
    processes,
)
from config.layers import ConfigurationError, Given
from config.models import Adoption, ConfigVersion
from config.versions import newest_version, publish
from trimming.conf import TrimmingSettings, trimming_settings

pytestmark = pytest.mark.django_db


def attempts(count: int) -> ConfigVersion:
    return publish(
        newest_version(),
        kind=VersionKind.CONSOLE,
        reason="more",
        console={"trimming": {"max_attempts": Given(count, "test")}},
    )


def test_before_anything_is_adopted_defaults_and_environment_are_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempts(9)
    monkeypatch.setenv("PKTMASK_TRIMMING__MAX_ATTEMPTS", "5")
    assert (current().version, trimming_settings().max_attempts) == (0, 5)


def test_an_environment_that_cannot_be_in_force_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_TRIMMING__MAX_ATTEMPTS", "0")
    with pytest.raises(ConfigurationError):
        current()


def test_the_newest_version_is_adopted_as_a_whole() -> None:
    attempts(9)
    assert adopt_newest().version == 1
    attempts(8)
    assert trimming_settings().max_attempts == 9
    assert adopt_newest() is current()
    assert (current().version, trimming_settings().max_attempts) == (2, 8)
    assert current().of(TrimmingSettings) is trimming_settings()


def test_to_look_when_nothing_is_new_costs_one_query(django_assert_num_queries: object) -> None:
    attempts(9)
    adopt_newest()
    with django_assert_num_queries(1):  # type: ignore[operator]  # a fixture of pytest-django
        adopt_newest()


def test_what_is_pinned_stays_whatever_is_adopted_meanwhile() -> None:
    attempts(9)
    with pinned(adopt_newest()):
        attempts(8)
        adopt_newest()
        assert trimming_settings().max_attempts == 9
    assert trimming_settings().max_attempts == 8


def test_other_threads_do_not_see_what_is_pinned() -> None:
    attempts(9)
    seen: list[int] = []
    with pinned(adopt_newest()):
        forget()
        thread = threading.Thread(target=lambda: seen.append(trimming_settings().max_attempts))
        thread.start()
        thread.join()
    assert seen == [TrimmingSettings().max_attempts]


def test_a_version_that_does_not_fit_the_environment_here_is_left_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts(9)
    adopt_newest()
    publish(
        newest_version(),
        kind=VersionKind.CONSOLE,
        reason="",
        console={"trimming": {"lease_seconds": Given(10, "console")}},
    )
    monkeypatch.setenv("PKTMASK_TRIMMING__BEAT_SECONDS", "20")
    for _ in range(3):
        assert adopt_newest().version == 1
    refusals = [r for r in caplog.records if "configuration_refused" in r.getMessage()]
    assert len(refusals) == 1
    monkeypatch.delenv("PKTMASK_TRIMMING__BEAT_SECONDS")
    attempts(8)
    assert adopt_newest().version == 3


def test_a_watch_says_which_version_its_process_goes_by() -> None:
    attempts(9)
    watch = Watch("web")
    watch.look()
    (row,) = processes()
    assert (row.kind, row.version, row.problem) == ("web", 1, "")
    attempts(8)
    watch.look()
    assert [row.version for row in processes()] == [2]


def test_a_watch_repeats_its_sign_only_now_and_then(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: object
) -> None:
    now = timezone.now().replace(second=1)
    monkeypatch.setattr(timezone, "now", lambda: now)
    watch = Watch("web")
    watch.look()
    with django_assert_num_queries(1):  # type: ignore[operator]  # a fixture of pytest-django
        watch.look()
    [before] = processes()
    Adoption.objects.update(at=before.at - timedelta(seconds=1))
    now += timedelta(seconds=engine.SIGN_SECONDS)
    watch.look()
    assert processes()[0].at >= before.at


def test_processes_that_said_nothing_for_a_while_are_gone() -> None:
    now = timezone.now()
    for name, age in (("a", timedelta(0)), ("b", 1.5 * GONE_AFTER), ("c", 3 * GONE_AFTER)):
        Adoption.objects.create(process=name, kind="web", version=1, at=now - age)
    assert [row.process for row in processes()] == ["a"]
    forget_gone_processes()
    assert sorted(row.process for row in Adoption.objects.all()) == ["a", "b"]
