"""What sends alerts is loaded when something is sent, not when a process starts."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SENDING = ("slack_sdk", "apprise", "requests", "matplotlib", "numpy", "smtplib")


@pytest.mark.slow
def test_a_process_that_only_starts_loads_nothing_that_sends() -> None:
    code = (
        "import django, sys; django.setup(); import pktmask_site.asgi, pktmask_site.urls; "
        "from monitoring.channels.base import channels; "
        "print([name for name in channels.names()]); "
        f"print([name for name in {SENDING} if name in sys.modules])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert run.stdout.splitlines() == ["['email', 'slack', 'log', 'webhook', 'apprise']", "[]"]
