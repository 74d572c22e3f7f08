"""More people on a running console."""

from __future__ import annotations

import subprocess
import sys

from tests.services.console import ROOT, Console

PROGRAM = """
from django.contrib.auth.models import Group, User
user = User.objects.create_user({name!r}, password={password!r})
user.groups.add(Group.objects.get(name={role!r}))
"""


def add_person(console: Console, name: str, role: str, password: str) -> None:
    """Add somebody in a role."""
    subprocess.run(
        [
            *(sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c"),
            PROGRAM.format(name=name, role=role, password=password),
        ],
        env=console.environ,
        check=True,
        capture_output=True,
    )
