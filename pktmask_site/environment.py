"""What the environment says about this installation, read before Django's settings are complete."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from pktmask_site.logs import STREAMS
from pktmask_site.recovery.durable import sync
from pktmask_site.scaling import Bucket, lacks

SECRET_KEY_CHARACTERS = 64
# the environments of one machine, for people before a terminal
LOCAL: Final = ("local", "demo")
LOG_FORMATS: Final = ("json", "lines")
# what one machine may do; all of it unless PKTMASK_PARTS says otherwise
PARTS: Final = ("web", "workers", "monitor")
REDIS: Final = ("redis://", "rediss://", "unix://")
# how a machine may be called: as hosts are
MACHINE: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
ENDPOINT: Final = re.compile(r"https?://[^\s/@?#]+/?")
BUCKET: Final = "PKTMASK_S3_BUCKET"
# of no use without a bucket
OF_A_BUCKET: Final = tuple(
    f"PKTMASK_S3_{name}"
    for name in (
        "ENDPOINT",
        "PUBLIC_ENDPOINT",
        "REGION",
        "ACCESS_KEY",
        "ACCESS_KEY_FILE",
        "SECRET_KEY",
        "SECRET_KEY_FILE",
    )
)


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
    # the key was given, not made here: then all machines can have the same
    has_given_key: bool
    # keys of before: what they sealed in the audit log can still be verified, nothing else
    old_secret_keys: tuple[str, ...]
    # as in postgresql://user:password@host:5432/name; empty for SQLite in the data folder
    database_url: str
    # as in redis://host:6379/0; empty where the database and memory do
    redis_url: str
    # where captures are kept; None for the data folder
    bucket: Bucket | None
    # what runs on this machine, and what it is called among the others
    parts: tuple[str, ...]
    machine: str
    # stderr, stdout, or the path of a file
    log_to: str
    logs_json: bool

    @property
    def is_alone(self) -> bool:
        """Whether no other machine can work on the same data: SQLite is a file of this one."""
        return not self.database_url

    @property
    def is_local(self) -> bool:
        """Whether it is meant for one machine and plain HTTP."""
        return self.name in LOCAL


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
    name = source.get("PKTMASK_ENVIRONMENT") or "local"
    hosts = source.get("PKTMASK_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
    given = {
        "PKTMASK_DATABASE_URL": _secret(source, "PKTMASK_DATABASE_URL"),
        "PKTMASK_REDIS_URL": _redis_url(source),
        BUCKET: source.get(BUCKET, ""),
    }
    _refuse_missing(variable for variable, value in given.items() if value)
    return Installation(
        name=name,
        data_dir=data_dir,
        config_dir=Path(source.get("PKTMASK_CONFIG_DIR") or base_dir / "config").absolute(),
        allowed_hosts=tuple(host.strip() for host in hosts.split(",") if host.strip()),
        trusts_proxy=source.get("PKTMASK_BEHIND_PROXY", "") == "1",
        workers=_workers(source),
        secret_key=_secret_key(source, data_dir),
        has_given_key=any(source.get(f"PKTMASK_SECRET_KEY{end}") for end in ("", "_FILE")),
        old_secret_keys=tuple(_secret(source, "PKTMASK_OLD_SECRET_KEYS").split()),
        database_url=given["PKTMASK_DATABASE_URL"],
        redis_url=given["PKTMASK_REDIS_URL"],
        bucket=_bucket(source),
        parts=_parts(source),
        machine=_machine(source),
        log_to=_log_to(source),
        logs_json=_logs_json(source, name),
    )


def _workers(source: Mapping[str, str]) -> int:
    text = source.get("PKTMASK_WORKERS") or str(max(2, os.cpu_count() or 2))
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise ImproperlyConfigured(f"PKTMASK_WORKERS is {text!r}; expected a number from 1 to 256")
    return int(text)


def _refuse_missing(variables: Iterable[str]) -> None:
    if missing := lacks(variables):
        variable, module = missing
        raise ImproperlyConfigured(
            f"{variable} needs the package {module}, which is not installed; "
            "install requirements/scale.txt"
        )


def _machine(source: Mapping[str, str]) -> str:
    text = source.get("PKTMASK_MACHINE")
    if text and not MACHINE.fullmatch(text):
        raise ImproperlyConfigured(
            f"PKTMASK_MACHINE is {text!r}; expected at most 64 letters, digits, dots and hyphens"
        )
    return text or socket.gethostname()


def _secret(source: Mapping[str, str], name: str) -> str:
    """Return a variable, or the content of the file that ``name``_FILE names; empty without."""
    if path := source.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise ImproperlyConfigured(
                f"{name}_FILE is {path!r}; it cannot be read: {why}"
            ) from None
    return source.get(name, "")


def _redis_url(source: Mapping[str, str]) -> str:
    url = _secret(source, "PKTMASK_REDIS_URL")
    if url and not url.startswith(REDIS):
        # it may hold a password, so it is not quoted
        raise ImproperlyConfigured(f"PKTMASK_REDIS_URL must begin with one of {', '.join(REDIS)}")
    return url


def _bucket(source: Mapping[str, str]) -> Bucket | None:
    name = source.get(BUCKET, "")
    if not name:
        if useless := next((each for each in OF_A_BUCKET if source.get(each)), None):
            raise ImproperlyConfigured(f"{useless} is set, and {BUCKET} is not; name the bucket")
        return None
    keys = [_secret(source, f"PKTMASK_S3_{each}_KEY") for each in ("ACCESS", "SECRET")]
    if any(keys) and not all(keys):
        raise ImproperlyConfigured(
            "PKTMASK_S3_ACCESS_KEY and PKTMASK_S3_SECRET_KEY belong together; one is missing"
        )
    return Bucket(
        name=name,
        endpoint=_endpoint(source, "PKTMASK_S3_ENDPOINT"),
        public_endpoint=_endpoint(source, "PKTMASK_S3_PUBLIC_ENDPOINT"),
        region=source.get("PKTMASK_S3_REGION", ""),
        access_key=keys[0],
        secret_key=keys[1],
    )


def _endpoint(source: Mapping[str, str], variable: str) -> str:
    address = source.get(variable, "")
    if address and not ENDPOINT.fullmatch(address):
        # somebody may have put a key into it, so it is not quoted
        raise ImproperlyConfigured(
            f"{variable} must be an address as in https://s3.example:9000, without a name or a key"
        )
    return address


def _parts(source: Mapping[str, str]) -> tuple[str, ...]:
    text = source.get("PKTMASK_PARTS") or ",".join(PARTS)
    asked = {each.strip() for each in text.split(",")}
    if not asked <= set(PARTS):
        raise ImproperlyConfigured(
            f"PKTMASK_PARTS is {text!r}; expected some of {', '.join(PARTS)}, with commas between"
        )
    return tuple(part for part in PARTS if part in asked)


def _log_to(source: Mapping[str, str]) -> str:
    """Return where logs go: a stream, or a file in a folder that there is."""
    text = source.get("PKTMASK_LOG_TO") or STREAMS[0]
    if text in STREAMS:
        return text
    path = Path(text)
    if not path.is_absolute() or path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(
            f"PKTMASK_LOG_TO is {text!r}; expected {' or '.join(STREAMS)}, or the whole path of a "
            "file in a folder that can be written"
        )
    return text


def _logs_json(source: Mapping[str, str], name: str) -> bool:
    text = source.get("PKTMASK_LOG_FORMAT") or LOG_FORMATS[name in LOCAL]
    if text not in LOG_FORMATS:
        raise ImproperlyConfigured(
            f"PKTMASK_LOG_FORMAT is {text!r}; expected {' or '.join(LOG_FORMATS)}"
        )
    return text == LOG_FORMATS[0]


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
        # and one that power was taken from may have left its file, as a process of this number
        descriptor = os.open(f"{path}.{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(SECRET_KEY_CHARACTERS))
            file.flush()
            os.fsync(file.fileno())
        os.link(f"{path}.{os.getpid()}", path)
        sync(path.parent)
    except FileExistsError:
        pass
    finally:
        Path(f"{path}.{os.getpid()}").unlink(missing_ok=True)
