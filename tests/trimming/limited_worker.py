"""A process that does jobs as a worker does, one after the other, and prints how each ended.

``python -m tests.trimming.limited_worker STEPS``, on the data in PKTMASK_DATA_DIR.  STEPS is a
list in JSON: ``{"job": strategy}`` does a job, on the capture ``"path"`` or a small one,
``{"settings": {name: value}}`` publishes a version, ``{"worker": ""}`` limits as the start of a
worker does, ``{"hard": {limit: value}}`` as a system may, and ``{"cpu_seconds": seconds,
"grace_seconds": seconds}`` makes times shorter than settings can.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import django

STRAINING = {
    "calling": "Calling",
    "crashing": "Crashing",
    "grasping": "Grasping",
    "hoarding": "Hoarding",
    "killing": "Killing",
    "opening": "Opening",
    "prying": "Prying",
    "spinning": "Spinning",
    "spinning_natively": "SpinningNatively",
    "telling": "Telling",
}


def main() -> None:
    """Take the steps."""
    django.setup()
    from django.conf import settings

    import tests.trimming.straining  # noqa: F401 - a reader may not read it any more

    settings.TRIMMING_STRATEGIES = {
        name: f"tests.trimming.straining:{kind}" for name, kind in STRAINING.items()
    }
    for step in json.loads(sys.argv[1]):
        match step:
            case {"job": strategy}:
                print(json.dumps(_done(strategy, step.get("path"))), flush=True)  # noqa: T201 - the answer
            case {"settings": values}:
                _publish(values)
            case {"cpu_seconds": seconds, "grace_seconds": grace}:
                _shorten(seconds, grace)
            case {"hard": limits}:
                for name, value in limits.items():
                    resource.setrlimit(getattr(resource, name), (value, value))
            case {"worker": _}:
                from trimming.worker_limits import limit_worker

                limit_worker()


def _done(strategy: str, path: str | None) -> dict[str, Any]:
    from django.conf import settings
    from django_q.worker import rss_check

    from tests.factories import capture_bytes, make_capture, make_user, standard
    from trimming.apart.readers import doing
    from trimming.jobs import create_job
    from trimming.models import TrimRun
    from trimming.runner import run_job
    from trimming.tasks import one_piece_of_work, worker_name

    owner = make_user()
    data = Path(path).read_bytes() if path else None
    job = create_job(make_capture(owner, data or capture_bytes()), standard(), owner, strategy)
    del data
    with one_piece_of_work():
        run_job(job.pk, worker_name(), doing())
    job.refresh_from_db()
    run = TrimRun.objects.get(job=job)
    return {
        "state": job.state,
        "reason": run.reason,
        "outcome": run.outcome,
        "left": [str(each) for each in Path(settings.WORK_ROOT).iterdir()],
        "is_replaced": bool(rss_check()),
        "cpu_limit": resource.getrlimit(resource.RLIMIT_CPU)[0],
        "told": [each["reason"] for each in (run.report or {"warnings": []})["warnings"]],
    }


def _publish(values: dict[str, Any]) -> None:
    from config.choices import VersionKind
    from config.layers import Given
    from config.versions import newest_version, publish

    console = {"workers": {name: Given(value, "a test") for name, value in values.items()}}
    publish(newest_version(), kind=VersionKind.CONSOLE, reason="a test", console=console)


def _shorten(seconds: float, grace: float) -> None:
    from typing import cast

    from trimming import runner, worker_limits
    from trimming.conf import worker_settings

    def shorter() -> Any:
        return worker_settings().model_copy(update={"cpu_seconds": seconds})

    patched = cast(Any, worker_limits)
    patched.worker_settings = shorter
    patched.GRACE_SECONDS = grace
    cast(Any, runner).worker_settings = shorter


if __name__ == "__main__":
    main()
