"""What is made when the service starts: tables, static files, the first administrator, samples."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from config.audit import record
from config.models import ConfigVersion
from config.roles import ADMINISTRATOR
from trimming.samples import store_samples

ADMINISTRATOR_NAME = "admin"
PASSWORD_VARIABLE = "PKTMASK_ADMIN_PASSWORD"
# 96 bits in letters that are told apart when they are read aloud
PASSWORD_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"
PASSWORD_LENGTH = 20
# "pktstart" in ASCII
LOCK = int.from_bytes(b"pktstart", "big")


class PasswordRefusedError(ValueError):
    """The password from the environment is too weak for this installation; the text says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """The first administrator.  ``password`` is what was generated, None for one that was given."""

    name: str
    password: str | None


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one machine do what follows, and the others wait for it, where machines share a database.

    A machine that is alone has its data folder to itself.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def is_first_start() -> bool:
    """Tell whether there are no tables yet; False where nobody knows.  It makes nothing."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite" and not Path(name).exists():
        return True
    try:
        return ConfigVersion._meta.db_table not in connection.introspection.table_names()
    except DatabaseError:
        return False


def prepare_database() -> None:
    """Bring the tables up to date."""
    call_command("migrate", verbosity=0, interactive=False)


def collect_static_files() -> bool:
    """Collect the static files if any of them has changed; return whether it was done."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    wanted = _fingerprint()
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return False
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted, encoding="ascii")
    return True


def _fingerprint() -> str:
    """Return a digest of names, sizes and times of all static files, and of how they are kept."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for name, storage in finder.list(None):
            found = os.stat(storage.path(name))
            digest.update(f"\n{name} {found.st_size} {found.st_mtime_ns}".encode())
    return digest.hexdigest()


def make_first_administrator() -> Account | None:
    """Make the first administrator when there is nobody at all; None when there is somebody.

    Raises PasswordRefusedError for a weak password beyond a local installation.
    """
    if User.objects.exists():
        return None
    given = os.environ.get(PASSWORD_VARIABLE) or None
    user = User(username=ADMINISTRATOR_NAME, is_staff=True, is_superuser=True)
    if given is not None and not settings.INSTALLATION.is_local:
        try:
            validate_password(given, user)
        except ValidationError as error:
            raise PasswordRefusedError(" ".join(error.messages)) from None
    password = given or "".join(secrets.choice(PASSWORD_CHARACTERS) for _ in range(PASSWORD_LENGTH))
    user.set_password(password)
    with transaction.atomic():
        user.save()
        user.groups.add(Group.objects.get_or_create(name=ADMINISTRATOR)[0])
        record("first_administrator", target=user)
    return Account(ADMINISTRATOR_NAME, None if given else password)


def make_samples() -> int:
    """Give the first administrator captures to try when nobody ever had any; return how many."""
    owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    return store_samples(owner) if owner is not None else 0
