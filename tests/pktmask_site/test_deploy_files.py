"""The files to deploy with: they parse, their names are known, and no secret is in them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import documents
from pktmask_site.environment import PARTS, read_installation

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "config" / "production" / "deploy"
FILES = sorted(path for path in DEPLOY.iterdir() if path.is_file())
UNITS = sorted(DEPLOY.glob("*.service"))
VARIABLE = re.compile(r"\bPKTMASK_[A-Z0-9_]+\b")
WHERE_SECRETS_ARE = ("/run/secrets/", "/etc/pktmask/secrets/", "%d/", '{file: "${SECRETS')
# it ends when its work is done
ONCE = {"bucket"}

Compose = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> Compose:
    found: Compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def ours(compose: Compose) -> Compose:
    """The services that run our image, by name."""
    return {name: each for name, each in compose["services"].items() if each["image"] == "pktmask"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_is_explained_and_read(path: Path) -> None:
    explained = set(VARIABLE.findall((ROOT / "docs" / "settings.md").read_text()))
    assert set(VARIABLE.findall(path.read_text())) <= explained


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_holds_a_password(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"://[^\s/@:$]*:(?!PASSWORD@)[^\s/@$]+@", text)
    # secrets are named by a file, or asked for
    given = re.findall(r"(?im)^[^#\n]*(?:password|secret_key|access_key)\w*\s*[:=]\s*(.+)$", text)
    for value in given:
        assert re.match(r'/run/secrets/|/etc/pktmask/secrets/|%d/|\{file: "\$\{SECRETS', value), (
            value
        )


class TestCompose:
    def test_every_service_says_whether_it_is_well(self, compose: Compose) -> None:
        lacking = {n for n, each in compose["services"].items() if "healthcheck" not in each}
        assert lacking == ONCE

    def test_each_waits_for_others_by_their_health(self, compose: Compose) -> None:
        for service in compose["services"].values():
            for name, how in service.get("depends_on", {}).items():
                ended = "service_completed_successfully"
                assert how["condition"] == (ended if name in ONCE else "service_healthy")

    def test_two_serve_two_groups_work_and_a_monitor_has_a_standby(self, ours: Compose) -> None:
        parts = {name: each["environment"]["PKTMASK_PARTS"] for name, each in ours.items()}
        assert parts == {"web-1": "web", "web-2": "web", "workers": "workers", "monitor": "monitor"}
        assert ours["workers"]["deploy"] == ours["monitor"]["deploy"] == {"replicas": 2}

    def test_the_environment_is_one_that_an_installation_takes(
        self, ours: Compose, tmp_path: Path
    ) -> None:
        secrets = {"database_url": "postgresql://a:b@c/d", "redis_url": "redis://c/0"}
        for name, service in ours.items():
            environ = {"PKTMASK_DATA_DIR": str(tmp_path / "data")}
            for variable, value in service["environment"].items():
                if variable.endswith("_FILE"):
                    secret = Path(value).name
                    assert secret in service["secrets"]
                    (tmp_path / secret).write_text(secrets.get(secret, "x"))
                    environ[variable] = str(tmp_path / secret)
                else:
                    environ[variable] = re.sub(r"\$\{WORKERS:-(\d+)\}", r"\1", value)
            environ["PKTMASK_S3_PUBLIC_ENDPOINT"] = "https://files.example"
            found = read_installation(tmp_path, environ)
            assert (found.parts, found.is_alone) == (
                (service["environment"]["PKTMASK_PARTS"],),
                False,
            )
            assert found.has_given_key, name
            assert found.bucket is not None

    def test_nothing_starts_without_its_secrets_and_names(self, compose: Compose) -> None:
        text = (DEPLOY / "compose.yaml").read_text()
        for name in ("CONSOLE_HOST", "FILES_HOST", "SECRETS", "TLS"):
            assert f"${{{name}:?" in text
        used = {name for each in compose["services"].values() for name in each.get("secrets", ())}
        assert used == set(compose["secrets"])
        for name, secret in compose["secrets"].items():
            assert secret["file"].endswith(f"/{name}")

    def test_ours_may_write_to_their_data_alone(self, ours: Compose) -> None:
        for service in ours.values():
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]
            assert service["volumes"] == ["/data"]
            assert "mem_limit" in service

    def test_workers_reach_nothing_outside(self, ours: Compose) -> None:
        assert ours["workers"]["networks"] == ["inner"]

    def test_the_proxy_alone_is_reached_from_outside(self, compose: Compose) -> None:
        assert [n for n, each in compose["services"].items() if "ports" in each] == ["proxy"]
        assert compose["networks"]["inner"]["internal"]

    def test_web_processes_keep_the_addresses_by_which_the_proxy_knows_them(
        self, compose: Compose, ours: Compose
    ) -> None:
        proxied = re.findall(r"server (web-\d):8000", (DEPLOY / "nginx.conf").read_text())
        assert proxied == [name for name in ours if name.startswith("web")]
        addresses = [ours[name]["networks"]["inner"]["ipv4_address"] for name in proxied]
        assert len(set(addresses)) == len(proxied)


class TestImage:
    text = (DEPLOY / "Containerfile").read_text()

    def test_packages_are_installed_by_their_hashes_and_kernels_compiled(self) -> None:
        assert "pip install --require-hashes --no-deps -r" in self.text
        assert "requirements/scale.txt" in self.text
        assert "-m trimming.engine.warm" in self.text

    def test_it_has_what_confines_readers(self) -> None:
        assert "libseccomp2" in self.text.rsplit("FROM ", 1)[1]

    def test_it_runs_as_nobody_and_says_whether_it_is_well(self) -> None:
        last = self.text.rsplit("FROM ", 1)[1]
        assert "\nUSER 10001:10001\n" in last
        assert '\n    CMD ["python", "config/production/deploy/healthcheck.py"]\n' in last

    def test_what_it_copies_is_there_and_is_let_through(self) -> None:
        copied = [
            source
            for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", self.text)
            for source in line.split()[:-1]
        ]
        ignored = (DEPLOY / "Containerfile.dockerignore").read_text()
        for source in copied:
            assert (ROOT / source).exists()
            assert f"!{source}\n" in ignored
        packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {
            "tests",
            "benchmarks",
        }
        assert packages <= set(copied)
        # pages show these, the runbook among them
        assert documents.FOLDER.relative_to(ROOT).as_posix() in copied

    def test_the_start_is_a_script_that_the_shell_takes(self) -> None:
        subprocess.run(["sh", "-n", str(DEPLOY / "start.sh")], check=True)
        assert (DEPLOY / "start.sh").read_text().endswith("\nexec python manage.py up\n")


class TestUnits:
    def test_each_part_has_a_unit_beside_the_one_for_all(self) -> None:
        assert {path.stem for path in UNITS} == {"pktmask", *(f"pktmask-{part}" for part in PARTS)}
        for part in PARTS:
            text = (DEPLOY / f"pktmask-{part}.service").read_text()
            assert f"\nEnvironment=PKTMASK_PARTS={part}\n" in text

    @pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
    def test_a_unit_has_few_rights_and_is_started_again(self, path: Path) -> None:
        lines = path.read_text().splitlines()
        for wanted in (
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "ProtectHome=yes",
            "PrivateTmp=yes",
            "CapabilityBoundingSet=",
            "Restart=always",
            "User=pktmask",
            "UMask=0077",
            "OOMPolicy=continue",
        ):
            assert wanted in lines
        assert any(line.startswith("MemoryMax=") for line in lines)
        # machine code is made while it runs
        assert "MemoryDenyWriteExecute=yes" not in lines

    @pytest.mark.parametrize("name", ["pktmask", "pktmask-web", "pktmask-workers"])
    def test_where_captures_are_read_readers_may_confine_themselves(self, name: str) -> None:
        lines = (DEPLOY / f"{name}.service").read_text().splitlines()
        let_through = " ".join(line for line in lines if line.startswith("SystemCallFilter="))
        for call in ("@system-service", "seccomp", "landlock_restrict_self"):
            assert call in let_through

    @pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
    @pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
    def test_systemd_takes_a_unit(self, path: Path, tmp_path: Path) -> None:
        here = path.read_text().replace("/opt/pktmask/.venv/bin/python", sys.executable)
        (tmp_path / path.name).write_text(here.replace("/opt/pktmask", str(ROOT)))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(tmp_path / path.name)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, path.name in done.stderr) == (0, False), done.stderr


def test_the_example_of_an_environment_is_one_that_an_installation_takes(tmp_path: Path) -> None:
    text = (DEPLOY / "pktmask.env.example").read_text()
    given = dict(re.findall(r"(?m)^#?([A-Z][A-Z0-9_]*)=(.+)$", text))
    given |= {"PKTMASK_DATA_DIR": str(tmp_path), "PKTMASK_SECRET_KEY": "x"}
    found = read_installation(tmp_path, given)
    assert (found.name, found.trusts_proxy, found.workers) == ("production", True, 8)
    assert found.bucket is not None


class TestCommandOfUnits:
    """``pktmask-manage``, with programs in its place that say what they were asked for."""

    path = DEPLOY / "pktmask-manage"

    def ran(self, folder: Path, *secrets: str, **environ: str) -> list[str]:
        """Return what systemd-run, or Python inside, was called with; in a file system of ours."""
        (folder / "secrets").mkdir()
        for name in secrets:
            (folder / "secrets" / name).write_text("x")
        echo = folder / "systemd-run"
        echo.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nenv | grep _FILE= | sort\n')
        echo.chmod(0o700)
        script = folder / "pktmask-manage"
        text = self.path.read_text().replace("/etc/pktmask/secrets", str(folder / "secrets"))
        script.write_text(text.replace("/opt/pktmask/.venv/bin/python", str(echo)))
        words = [*environ.pop("first", "").split(), "rollout", "status", "--user", "a b"]
        done = subprocess.run(
            ["sh", str(script), *words],
            env={"PATH": f"{folder}:/usr/bin:/bin", **environ},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()

    def test_on_one_machine_a_command_works_on_the_data_of_the_unit(self, tmp_path: Path) -> None:
        said = self.ran(tmp_path, "secret_key")
        unit = (DEPLOY / "pktmask.service").read_text()
        for wanted in ("PKTMASK_DATA_DIR=/var/lib/pktmask", "HOME=/var/cache/pktmask"):
            assert f"Environment={wanted}" in unit
            assert f"--setenv={wanted}" in said
        assert {"--uid=pktmask", "--gid=pktmask", "--property=UMask=0077"} <= set(said)
        assert [each for each in said if "LoadCredential" in each] == [
            f"--property=LoadCredential=secret_key:{tmp_path}/secrets/secret_key"
        ]
        assert said[-5:] == ["--inside", "rollout", "status", "--user", "a b"]

    def test_among_several_machines_it_has_a_folder_and_all_secrets_of_units(
        self, tmp_path: Path
    ) -> None:
        unit = (DEPLOY / "pktmask-monitor.service").read_text()
        names = re.findall(r"LoadCredential=(\w+):", unit)
        said = self.ran(tmp_path, *names)
        assert "--setenv=PKTMASK_DATA_DIR=/var/lib/pktmask-manage" in said
        given = {each.split("=")[2].split(":")[0] for each in said if "LoadCredential" in each}
        assert given == set(names)

    def test_inside_each_secret_is_named_as_units_name_it(self, tmp_path: Path) -> None:
        place = str(tmp_path / "secrets")
        said = self.ran(
            tmp_path, "secret_key", "redis_url", first="--inside", CREDENTIALS_DIRECTORY=place
        )
        assert said == [
            *("manage.py", "rollout", "status", "--user", "a b"),
            f"PKTMASK_REDIS_URL_FILE={place}/redis_url",
            f"PKTMASK_SECRET_KEY_FILE={place}/secret_key",
        ]
