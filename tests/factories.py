"""People, captures and jobs for tests, made the way the service makes them."""

from __future__ import annotations

import hashlib
import itertools

from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.utils import timezone

from config.roles import OPERATOR
from tests.captures import Conversation, pcap, request, response
from trimming.choices import CaptureOrigin
from trimming.jobs import create_job
from trimming.models import Capture, Profile, TrimJob
from trimming.profiles import latest

_numbers = itertools.count(1)


def make_user(role: str = OPERATOR, password: str | None = None) -> User:
    """Return a new user in one role."""
    user = User.objects.create_user(username=f"{role}-{next(_numbers)}", password=password)
    user.groups.add(Group.objects.get(name=role))
    return user


def capture_bytes(body: bytes = b"a body that must go") -> bytes:
    """Return a small capture with one exchange."""
    talk = Conversation()
    talk.client(request("GET", "/"))
    talk.server(response(body=body))
    return pcap(talk.packets)


def make_capture(owner: User, data: bytes | None = None, name: str = "edge.pcap") -> Capture:
    """Return a stored capture of ``owner``; by default each has bytes of its own."""
    if data is None:
        data = capture_bytes(f"body number {next(_numbers)}".encode())
    capture = Capture(
        owner=owner,
        name=name,
        origin=CaptureOrigin.UPLOAD,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        file_format="pcap",
        uploaded_at=timezone.now(),
    )
    capture.original.save("original", ContentFile(data), save=False)
    capture.save()
    return capture


def standard() -> Profile:
    """Return the row of the built-in profile ``standard``."""
    profile = latest("standard")
    assert profile is not None
    return profile


def make_job(owner: User, data: bytes | None = None, name: str = "edge.pcap") -> TrimJob:
    """Return a waiting job for a new capture of ``owner``; no worker is told."""
    return create_job(make_capture(owner, data, name), standard(), owner)
