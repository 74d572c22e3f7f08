"""What the environment says about an installation."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from pktmask_site import environment, scaling
from pktmask_site.environment import PARTS, read_installation
from pktmask_site.scaling import Bucket

MANAGE = Path(__file__).parents[2] / "manage.py"


def test_without_variables_it_is_local_with_its_data_in_var(tmp_path: Path) -> None:
    found = read_installation(tmp_path, {})
    assert (found.name, found.data_dir, found.is_local) == ("local", tmp_path / "var", True)
    assert found.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert found.workers >= 2


def test_production_is_not_local(tmp_path: Path) -> None:
    assert not read_installation(tmp_path, {"PKTMASK_ENVIRONMENT": "production"}).is_local


def test_a_key_is_made_once_and_is_for_this_user_only(tmp_path: Path) -> None:
    first = read_installation(tmp_path, {}).secret_key
    assert len(first) >= 64
    assert read_installation(tmp_path, {}).secret_key == first
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o777 == 0o600


def _key(folder: Path) -> str:
    return read_installation(folder, {}).secret_key


def test_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_key, [tmp_path] * 8))) == 1
    assert [path.name for path in (tmp_path / "var").glob("secret_key*")] == ["secret_key"]


def test_a_key_is_made_beside_what_a_process_of_the_same_number_left(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    left = tmp_path / "var" / f"secret_key.{os.getpid()}"
    left.write_text("half a key")
    assert len(_key(tmp_path)) > 64
    assert not left.exists()


def test_a_key_can_be_given_or_read_from_a_file(tmp_path: Path) -> None:
    assert read_installation(tmp_path, {"PKTMASK_SECRET_KEY": "given"}).secret_key == "given"
    (tmp_path / "key").write_text("from a file\n")
    environ = {"PKTMASK_SECRET_KEY_FILE": str(tmp_path / "key")}
    assert read_installation(tmp_path, environ).secret_key == "from a file"


def test_a_key_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    environ = {"PKTMASK_SECRET_KEY_FILE": str(tmp_path / "missing")}
    assert read_installation(tmp_path, environ).secret_key == ""
    assert not (tmp_path / "missing").exists()


def test_a_data_folder_that_cannot_be_made_does_not_stop_commands_that_need_none(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    found = read_installation(tmp_path, {"PKTMASK_DATA_DIR": str(tmp_path / "file" / "var")})
    assert found.secret_key == ""


def test_a_wrong_value_ends_a_command_with_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(MANAGE), "up"],
        env={**os.environ, "PKTMASK_DATA_DIR": str(tmp_path), "PKTMASK_WORKERS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "PKTMASK_WORKERS is 'many'; expected a number from 1 to 256\n"


@pytest.mark.parametrize("text", ["none", "0", "257", "-1", "2.5"])
def test_a_wrong_number_of_workers_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"PKTMASK_WORKERS is '{text}'; expected"):
        read_installation(tmp_path, {"PKTMASK_WORKERS": text})


def test_logs_are_lines_for_people_on_one_machine_and_json_elsewhere(tmp_path: Path) -> None:
    local = read_installation(tmp_path, {})
    elsewhere = read_installation(tmp_path, {"PKTMASK_ENVIRONMENT": "production"})
    assert (local.logs_json, local.log_to) == (False, "stderr")
    assert elsewhere.logs_json


def test_logs_go_where_and_as_the_environment_says(tmp_path: Path) -> None:
    path = str(tmp_path / "log.json")
    found = read_installation(tmp_path, {"PKTMASK_LOG_TO": path, "PKTMASK_LOG_FORMAT": "json"})
    assert (found.log_to, found.logs_json) == (path, True)
    found = read_installation(tmp_path, {"PKTMASK_LOG_TO": "stdout", "PKTMASK_LOG_FORMAT": "lines"})
    assert (found.log_to, found.logs_json) == ("stdout", False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PKTMASK_LOG_TO", "log.json"),
        ("PKTMASK_LOG_TO", "/not/there/log.json"),
        ("PKTMASK_LOG_TO", "/"),
        ("PKTMASK_LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_place_or_format_of_logs_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{name} is '{value}'; expected"):
        read_installation(tmp_path, {name: value})


SCALED = {
    "PKTMASK_DATABASE_URL": "postgresql://ada:hidden@db/x",
    "PKTMASK_REDIS_URL": "rediss://:hidden@redis:6379/1",
    "PKTMASK_S3_BUCKET": "captures",
    "PKTMASK_S3_ENDPOINT": "https://s3.example:9000",
    "PKTMASK_S3_PUBLIC_ENDPOINT": "https://files.example",
    "PKTMASK_S3_REGION": "eu-west-1",
    "PKTMASK_S3_ACCESS_KEY": "an id",
    "PKTMASK_S3_SECRET_KEY": "hidden",
}


class TestOfManyMachines:
    def test_without_variables_a_machine_is_alone_and_does_everything(self, tmp_path: Path) -> None:
        found = read_installation(tmp_path, {})
        assert (found.is_alone, found.redis_url, found.bucket) == (True, "", None)
        assert (found.parts, found.machine) == (PARTS, socket.gethostname())
        assert not found.has_given_key

    def test_what_machines_share_is_read(self, tmp_path: Path) -> None:
        found = read_installation(tmp_path, SCALED)
        assert not found.is_alone
        assert found.redis_url == SCALED["PKTMASK_REDIS_URL"]
        assert found.bucket == Bucket(
            name="captures",
            endpoint="https://s3.example:9000",
            public_endpoint="https://files.example",
            region="eu-west-1",
            access_key="an id",
            secret_key="hidden",
        )
        # neither is in a log or on a page of errors by chance
        assert "hidden" not in repr(found.bucket)

    def test_secrets_may_stand_in_files(self, tmp_path: Path) -> None:
        environ = dict(SCALED)
        for name in ("REDIS_URL", "S3_ACCESS_KEY", "S3_SECRET_KEY", "SECRET_KEY"):
            (tmp_path / name).write_text(environ.pop(f"PKTMASK_{name}", "a key") + "\n")
            environ[f"PKTMASK_{name}_FILE"] = str(tmp_path / name)
        found = read_installation(tmp_path, environ)
        assert found.redis_url == SCALED["PKTMASK_REDIS_URL"]
        assert found.bucket is not None
        assert (found.bucket.access_key, found.bucket.secret_key) == ("an id", "hidden")
        assert (found.secret_key, found.has_given_key) == ("a key", True)

    @pytest.mark.parametrize(
        ("text", "parts"),
        [("workers", ("workers",)), ("monitor, web", ("web", "monitor")), ("", PARTS)],
    )
    def test_a_machine_does_the_parts_that_are_named(
        self, tmp_path: Path, text: str, parts: tuple[str, ...]
    ) -> None:
        assert read_installation(tmp_path, {"PKTMASK_PARTS": text}).parts == parts

    @pytest.mark.parametrize("name", ["a", "worker-1.example", "w" * 64])
    def test_a_machine_has_the_name_that_it_is_given(self, tmp_path: Path, name: str) -> None:
        assert read_installation(tmp_path, {"PKTMASK_MACHINE": name}).machine == name

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"PKTMASK_REDIS_URL": "http://:hidden@host"}, "PKTMASK_REDIS_URL must begin with one"),
            (
                {"PKTMASK_REDIS_URL_FILE": "/not/there"},
                "PKTMASK_REDIS_URL_FILE is '/not/there'",
            ),
            ({"PKTMASK_S3_ENDPOINT": "s3.example"}, "PKTMASK_S3_ENDPOINT must be an address as in"),
            ({"PKTMASK_S3_ENDPOINT": "https://"}, "PKTMASK_S3_ENDPOINT must be an address"),
            (
                {"PKTMASK_S3_PUBLIC_ENDPOINT": "https://id:hidden@s3.example"},
                "PKTMASK_S3_PUBLIC_ENDPOINT must be an address as in .*, without a name or a key",
            ),
            ({"PKTMASK_S3_SECRET_KEY": ""}, "PKTMASK_S3_ACCESS_KEY and .* belong together"),
            ({"PKTMASK_S3_ACCESS_KEY": ""}, "PKTMASK_S3_ACCESS_KEY and .* belong together"),
            ({"PKTMASK_S3_BUCKET": ""}, "PKTMASK_S3_ENDPOINT is set, and PKTMASK_S3_BUCKET is not"),
            ({"PKTMASK_PARTS": "web,wrokers"}, "PKTMASK_PARTS is 'web,wrokers'; expected some of"),
            ({"PKTMASK_PARTS": "web,"}, "PKTMASK_PARTS is 'web,'; expected some of"),
            ({"PKTMASK_MACHINE": "a/b"}, "PKTMASK_MACHINE is 'a/b'; expected at most 64"),
            ({"PKTMASK_MACHINE": "w" * 65}, "PKTMASK_MACHINE is 'w+'; expected at most 64"),
        ],
    )
    def test_each_mistake_names_its_variable_and_no_secret(
        self, tmp_path: Path, wrong: dict[str, str], sentence: str
    ) -> None:
        with pytest.raises(ImproperlyConfigured, match=f"^{sentence}") as found:
            read_installation(tmp_path, {**SCALED, **wrong})
        assert "hidden" not in str(found.value)

    def test_a_secret_in_a_file_that_is_no_text_is_not_quoted(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_bytes(b"hidden\xff")
        environ = {**SCALED, "PKTMASK_S3_SECRET_KEY_FILE": str(tmp_path / "key")}
        with pytest.raises(ImproperlyConfigured, match=r"it cannot be read: it is not text") as it:
            read_installation(tmp_path, environ)
        assert "hidden" not in str(it.value)

    @pytest.mark.parametrize(
        ("variable", "module"),
        [
            ("PKTMASK_DATABASE_URL", "psycopg"),
            ("PKTMASK_REDIS_URL", "channels_redis"),
            ("PKTMASK_S3_BUCKET", "storages"),
        ],
    )
    def test_a_package_that_is_missing_is_named_with_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, module: str
    ) -> None:
        real = scaling.lacks
        monkeypatch.setattr(
            environment, "lacks", lambda names: real(names, lambda name: name != module)
        )
        read_installation(tmp_path, {})
        with pytest.raises(ImproperlyConfigured) as found:
            read_installation(tmp_path, {variable: SCALED[variable]})
        assert str(found.value) == (
            f"{variable} needs the package {module}, which is not installed; "
            "install requirements/scale.txt"
        )
