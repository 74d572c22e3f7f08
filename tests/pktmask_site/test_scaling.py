"""Settings of what many machines share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis
from channels.layers import get_channel_layer
from django.core.cache import caches as made_caches
from django.utils.module_loading import import_string
from django_q.brokers import Broker

from pktmask_site import scaling
from pktmask_site.scaling import Bucket, captures_storage
from tests.buckets import SECRET_KEY, bucket_at
from trimming.conf import trimming_settings
from trimming.object_storage import ObjectStorage

URL = "redis://127.0.0.1:6379/3"
PINS = Path(__file__).parents[2] / "requirements" / "scale.txt"


def test_one_machine_needs_nothing_beside_python() -> None:
    assert scaling.broker("", is_alone=True) == {"orm": "default"}
    assert "InMemory" in scaling.channel_layers("")["default"]["BACKEND"]
    assert "locmem" in scaling.caches("")["default"]["BACKEND"]
    assert captures_storage(None) == {"BACKEND": "trimming.storage.DurableFileSystemStorage"}


def test_redis_is_broker_channel_layer_and_cache(settings: Any) -> None:
    assert scaling.broker(URL, is_alone=True) == {"redis": scaling.with_timeouts(URL)}
    settings.CHANNEL_LAYERS = scaling.channel_layers(URL)
    settings.CACHES = scaling.caches(URL)
    assert type(get_channel_layer()).__name__ == "RedisPubSubChannelLayer"
    assert type(made_caches["default"]).__name__ == "RedisCache"


@pytest.mark.parametrize("url", ["", URL])
def test_machines_that_share_a_database_have_a_queue_of_their_own_as_well(url: str) -> None:
    path = scaling.broker(url, is_alone=False)["broker_class"]
    assert issubclass(import_string(path), Broker)


@pytest.mark.parametrize(("url", "between"), [(URL, "?"), (f"{URL}?db=2", "&")])
def test_a_server_that_does_not_answer_is_given_up(url: str, between: str) -> None:
    given_up = scaling.with_timeouts(url)
    assert given_up.startswith(f"{url}{between}socket_connect_timeout=")
    assert redis.from_url(given_up).connection_pool.connection_kwargs["socket_timeout"] == 5


def test_a_bucket_is_the_storage_with_its_limits() -> None:
    made = captures_storage(bucket_at("https://s3.example", "captures"))
    assert made["BACKEND"] == f"{ObjectStorage.__module__}.{ObjectStorage.__name__}"
    storage = ObjectStorage(**made["OPTIONS"])
    assert (storage.bucket_name, storage.endpoint_url) == ("captures", "https://s3.example")
    assert storage.secret_key == SECRET_KEY
    assert (storage.querystring_expire, storage.part_bytes) == (60, 8 << 20)
    config = storage.client.meta.config
    assert (config.signature_version, config.s3["addressing_style"]) == ("s3v4", "path")


def test_without_keys_and_an_address_those_of_the_machine_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the machine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    storage = ObjectStorage(**captures_storage(Bucket("b", "", "", "eu-west-1", "", ""))["OPTIONS"])
    assert storage.client.meta.endpoint_url == "https://s3.eu-west-1.amazonaws.com"
    assert storage._session.get_credentials().access_key == "of the machine"


def test_a_call_of_the_storage_fails_before_the_lease_of_a_job_runs_out() -> None:
    longest = scaling.ATTEMPTS * (scaling.CONNECT_SECONDS + scaling.READ_SECONDS)
    assert longest < trimming_settings().lease_seconds


def test_what_a_variable_needs_is_pinned_for_many_machines() -> None:
    pins = PINS.read_text().lower()
    for modules in scaling.PACKAGES.values():
        for module in modules:
            name = {"storages": "django-storages"}.get(module, module.replace("_", "-"))
            assert f"\n{name}" in pins


def test_the_first_package_that_is_missing_is_named() -> None:
    assert scaling.lacks(scaling.PACKAGES) is None
    there = {"redis", "psycopg", "dj_database_url", "boto3"}
    assert scaling.lacks(scaling.PACKAGES, there.__contains__) == (
        "PKTMASK_REDIS_URL",
        "channels_redis",
    )
