"""Settings of what many machines share: broker, channel layer, cache and storage.

One machine needs none of it: the database is the broker, memory the channel layer, a disk the
storage.  ``redis_url`` and ``s3`` come from the environment (environment.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

# a presigned address is for the browser that asked, at once
DOWNLOAD_SECONDS: Final = 60
# a part of an upload; memory per file is a few of them, 10,000 parts are 80 GB
PART_BYTES: Final = 8 << 20
# a server that does not answer fails one call within the 30 s after which a job counts as lost
CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 10
ATTEMPTS: Final = 2
# waiting for a message takes a second of it
REDIS_TIMES: Final = "socket_connect_timeout=2&socket_timeout=5"

# modules that a variable needs beyond what one machine needs; requirements/scale.txt brings them
PACKAGES: Final = {
    "PKTMASK_DATABASE_URL": ("dj_database_url", "psycopg"),
    "PKTMASK_REDIS_URL": ("redis", "channels_redis"),
    "PKTMASK_S3_BUCKET": ("storages", "boto3"),
}

Settings = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, repr=False)
class Bucket:
    """A bucket of an S3-compatible server.  ``endpoint`` is empty for Amazon's own.

    ``public_endpoint`` is the server's address for browsers, where it is another one.
    """

    name: str
    endpoint: str
    public_endpoint: str
    region: str
    access_key: str
    secret_key: str


def broker(redis_url: str, *, is_alone: bool) -> dict[str, Any]:
    """Return where django-q2 keeps its messages."""
    where = {"redis": with_timeouts(redis_url)} if redis_url else {"orm": "default"}
    if is_alone:
        return where
    kind = "SharedRedis" if redis_url else "SharedDatabase"
    return {**where, "broker_class": f"pktmask_site.brokers.{kind}"}


def with_timeouts(redis_url: str) -> str:
    """Return the address with times after which a server that does not answer is given up."""
    between = "&" if "?" in redis_url else "?"
    return f"{redis_url}{between}{REDIS_TIMES}"


def channel_layers(redis_url: str) -> Settings:
    """Return the channel layer; that of Redis reaches all web processes.

    Groups are subscriptions of each process there, so nothing is lost when Redis is emptied.
    """
    if not redis_url:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    return {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [with_timeouts(redis_url)], "prefix": "pktmask"},
        }
    }


def caches(redis_url: str) -> Settings:
    """Return the cache, in which django-q2 keeps how its clusters are."""
    if not redis_url:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": with_timeouts(redis_url),
            "KEY_PREFIX": "pktmask",
        }
    }


def captures_storage(bucket: Bucket | None) -> dict[str, Any]:
    """Return where originals and outputs are kept."""
    if bucket is None:
        return {"BACKEND": "trimming.storage.DurableFileSystemStorage"}
    return {
        "BACKEND": "trimming.object_storage.ObjectStorage",
        "OPTIONS": {
            "bucket_name": bucket.name,
            "endpoint_url": bucket.endpoint or None,
            "public_endpoint_url": bucket.public_endpoint or None,
            "region_name": bucket.region or None,
            "access_key": bucket.access_key or None,
            "secret_key": bucket.secret_key or None,
            "querystring_expire": DOWNLOAD_SECONDS,
            "part_bytes": PART_BYTES,
            "connect_seconds": CONNECT_SECONDS,
            "read_seconds": READ_SECONDS,
            "attempts": ATTEMPTS,
        },
    }


def lacks(
    variables: Iterable[str], is_there: Callable[[str], object] = find_spec
) -> tuple[str, str] | None:
    """Return a variable and a module that it needs and that is not installed; None when all are."""
    for variable in variables:
        for module in PACKAGES[variable]:
            if not is_there(module):
                return variable, module
    return None
