"""What the environment says about this installation, read before Django's settings are complete."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SECRET_KEY_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation.  ``name`` is local, demo, production or another folder of config/."""

    name: str
    data_dir: Path
    config_dir: Path
    allowed_hosts: tuple[str, ...]
    trusts_proxy: bool
    workers: int
    secret_key: str
    # as in postgresql://user:password@host:5432/name; empty for SQLite in the data folder
    database_url: str

    @property
    def is_local(self) -> bool:
        """Whether it is meant for one machine and plain HTTP."""
        return self.name in ("local", "demo")


def make_data_dir(data_dir: Path) -> None:
    """Make the folders of the data, for this user only, where that is possible."""
    with contextlib.suppress(OSError):  # pktmask_site.checks says it
        data_dir.mkdir(parents=True, exist_ok=True)
        for name in ("incoming", "work", "files"):
            (data_dir / name).mkdir(exist_ok=True, mode=0o700)


def read_installation(base_dir: Path, environ: Mapping[str, str] | None = None) -> Installation:
    """Read the variables ``PKTMASK_*`` that are not settings of a section.

    Raises ImproperlyConfigured that names the variable.
    """
    source = os.environ if environ is None else environ
    data_dir = Path(source.get("PKTMASK_DATA_DIR") or base_dir / "var").absolute()
    make_data_dir(data_dir)
    hosts = source.get("PKTMASK_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
    return Installation(
        name=source.get("PKTMASK_ENVIRONMENT") or "local",
        data_dir=data_dir,
        config_dir=Path(source.get("PKTMASK_CONFIG_DIR") or base_dir / "config").absolute(),
        allowed_hosts=tuple(host.strip() for host in hosts.split(",") if host.strip()),
        trusts_proxy=source.get("PKTMASK_BEHIND_PROXY", "") == "1",
        workers=_workers(source),
        secret_key=_secret_key(source, data_dir),
        database_url=_database_url(source),
    )


def _workers(source: Mapping[str, str]) -> int:
    text = source.get("PKTMASK_WORKERS") or str(max(2, os.cpu_count() or 2))
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise ImproperlyConfigured(f"PKTMASK_WORKERS is {text!r}; expected a number from 1 to 256")
    return int(text)


def _database_url(source: Mapping[str, str]) -> str:
    """Return the address from the environment, or from the file that it names."""
    if path := source.get("PKTMASK_DATABASE_URL_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"PKTMASK_DATABASE_URL_FILE is {path!r}; it cannot be read: {error.strerror}"
            ) from None
    return source.get("PKTMASK_DATABASE_URL", "")


def _secret_key(source: Mapping[str, str], data_dir: Path) -> str:
    """Return the key from the environment, from the file that it names, or one kept in the data.

    Empty when there is none and none can be made.
    """
    if source.get("PKTMASK_SECRET_KEY"):
        return source["PKTMASK_SECRET_KEY"]
    path = Path(source.get("PKTMASK_SECRET_KEY_FILE") or data_dir / "secret_key")
    try:
        if not path.exists() and "PKTMASK_SECRET_KEY_FILE" not in source:
            _make_key(path)
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""  # commands that need none go on; pktmask_site.checks says it to the others


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # several processes may start at once: the first one's key is everybody's
        descriptor = os.open(f"{path}.{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(SECRET_KEY_CHARACTERS))
        os.link(f"{path}.{os.getpid()}", path)
    except FileExistsError:
        pass
    finally:
        Path(f"{path}.{os.getpid()}").unlink(missing_ok=True)
