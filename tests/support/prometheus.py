"""A real Prometheus on loopback, and its promtool."""

import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.brokers import free_port


def program(name: str) -> str:
    """The path of ``prometheus`` or ``promtool``. Skips the test where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip("Prometheus is not installed (sudo apt install prometheus)")
    return path


class Prometheus:
    """A Prometheus with a configuration of its own, which asks and evaluates from its start on."""

    def __init__(self, config: Path) -> None:
        self._port = free_port()
        self._folder = config.parent
        command = [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={config.parent / 'tsdb'}"]
        command += [f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=warn"]
        with (config.parent / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._is_ready, lambda: f"Prometheus starts; it printed: {self.log}", 60, 0.1)

    @property
    def log(self) -> str:
        return (self._folder / "prometheus.log").read_text()

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self.log
        try:
            self._ask("/-/ready")
        except (OSError, urllib.error.URLError):
            return False
        return True

    def _ask(self, path: str, **parameters: str) -> bytes:
        address = f"http://127.0.0.1:{self._port}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=20) as answer:
            found: bytes = answer.read()
            return found

    def query(self, text: str) -> list[tuple[dict[str, str], float]]:
        """The labels and values that a query gives now."""
        try:
            found = json.loads(self._ask("/api/v1/query", query=text))["data"]["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{text}: {error.read().decode()}") from error
        return [(row["metric"], float(row["value"][1])) for row in found]

    def values_of(self, label: str, metric: str) -> list[str]:
        """What Grafana asks for ``label_values(metric, label)``."""
        found: list[str] = json.loads(self._ask(f"/api/v1/label/{label}/values", **{"match[]": metric}))["data"]
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are pending or firing."""
        found: list[dict[str, Any]] = json.loads(self._ask("/api/v1/alerts"))["data"]["alerts"]
        return found

    def firing(self) -> set[tuple[str, str]]:
        """The names and doors of the alerts that fire."""
        return {
            (alert["labels"]["alertname"], alert["labels"].get("door", ""))
            for alert in self.alerts()
            if alert["state"] == "firing"
        }

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
