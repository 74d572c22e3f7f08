"""A real Prometheus that reads a console, on a folder and a port of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Final

import yaml

from tests.services.console import ROOT, free_port, wait_until

FILES: Final = ROOT / "config" / "production" / "prometheus"
# a test need not wait for what an installation waits for
QUICK: Final = "1s"


class Prometheus:
    """The files of production with short times, and one target."""

    def __init__(self, folder: Path, target: str) -> None:
        self._url = f"http://127.0.0.1:{free_port()}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        found = yaml.safe_load((FILES / "prometheus.yml").read_text())
        found["global"] = {"scrape_interval": QUICK, "evaluation_interval": QUICK}
        found["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(found))
        rules = yaml.safe_load((FILES / "rules.yml").read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                rule.pop("for", None)
        (folder / "rules.yml").write_text(yaml.safe_dump(rules))
        self._process = subprocess.Popen(
            [
                str(shutil.which("prometheus")),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self._url.removeprefix('http://')}",
                "--log.level=error",
            ]
        )

    def end(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(30)

    def _ask(self, path: str, **values: str) -> Any:
        query = urllib.parse.urlencode(values)
        with self._opener.open(f"{self._url}/api/v1/{path}?{query}", timeout=30) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        return found["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and values of what holds now; raises for what is no expression."""
        found = self._ask("query", query=expression)["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def wait_for(
        self, expression: str, seconds: float = 60.0
    ) -> list[tuple[dict[str, str], float]]:
        """Return what holds once something does."""

        def asked() -> list[tuple[dict[str, str], float]]:
            try:
                return self.query(expression)
            except OSError:  # it has just been started
                return []

        found: list[tuple[dict[str, str], float]] = wait_until(asked, seconds, expression)
        return found

    def firing(self) -> dict[str, dict[str, Any]]:
        """Return the alerts that fire, by name."""
        return {
            each["labels"]["alertname"]: each
            for each in self._ask("alerts")["alerts"]
            if each["state"] == "firing"
        }
