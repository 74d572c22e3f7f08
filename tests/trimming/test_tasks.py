"""What the workers are given: ids, under one version of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from trimming import shadow_runner, tasks, worker_limits
from trimming.apart import readers

pytestmark = pytest.mark.django_db


def test_a_comparison_is_begun_by_its_id_within_the_limits_of_a_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[Any] = []

    @contextmanager
    def limited() -> Iterator[None]:
        done.append("limited")
        yield

    monkeypatch.setattr(worker_limits, "limited_job", limited)
    monkeypatch.setattr(readers, "doing", lambda: "apart")
    monkeypatch.setattr(shadow_runner, "run_shadow", lambda *given: done.append(given))
    shadow_id: UUID = uuid4()
    tasks.run_shadow(str(shadow_id))
    assert done == ["limited", (shadow_id, tasks.worker_name(), "apart")]
