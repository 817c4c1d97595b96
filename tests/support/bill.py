"""Lists what a lock puts on a device: the bill of materials (CycloneDX), made by cyclonedx-bom, and the licences."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from edge import __version__

NAMED = {"lgpio": "Unlicense (from its file LICENSE)", "protobuf": "BSD-3-Clause (from its file LICENSE)"}
"""Packages that name no licence in their metadata."""
TITLE = """\
# Licences of the Python packages on a device with Python {python}

Made by `make lock` from what each package says of itself. The [licence of maskwatch](../../LICENSE) is MIT; YuNet's
network has [its own](../../edge/faces/face_detection_yunet_2023mar.LICENSE.txt).
Packages such as OpenCV contain libraries in binary form, whose licences are in the package.

| package | version | licence |
|---|---|---|
"""


def run(*command: str | Path) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
    subprocess.run([sys.executable, *map(str, command)], check=True, timeout=600, env=environment)


def write_bill(lock: Path, python: str, glibc: int, folder: Path) -> None:
    """Installs the files of a Pi into an environment in ``folder`` that never runs, and lists them beside ``lock``."""
    environment, bill = folder / "venv", lock.with_suffix(".cdx.json")
    run("-m", "venv", "--without-pip", environment)
    target = next(environment.glob("lib/python*/site-packages"))
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in range(glibc, 16, -1)]
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "-r", lock)
    # without the last option, pip compares the packages with this program's Python
    run(*pip, "--target", target, "--implementation=cp", f"--python-version={python}", *platforms,
        "--platform=manylinux2014_aarch64", "--ignore-requires-python")  # fmt: skip
    project = folder / "pyproject.toml"
    project.write_text(f'[project]\nname = "maskwatch"\nversion = "{__version__}"\nlicense = "MIT"\n')
    run("-m", "cyclonedx_py", "environment", "--pyproject", project, "--output-reproducible", "--validate",
        "-o", bill, environment)  # fmt: skip
    components = json.loads(bill.read_text())["components"]
    lines = [f"| {one['name']} | {one['version']} | {licence(one)} |" for one in components]
    table = TITLE.format(python=python) + "\n".join(sorted(lines, key=str.lower)) + "\n"
    lock.with_name(f"{python}-licences.md").write_text(table, encoding="utf-8")


def licence(component: dict[str, Any]) -> str:
    """The licence that the package names: an SPDX expression where there is one, else its first line."""
    said = [
        one.get("expression") or one["license"].get("id") or one["license"]["name"]
        for one in component.get("licenses", [])
    ]
    short = [name for name in said if re.fullmatch(r"[\w.+():/ -]{1,80}", name)] or said
    if not said:
        return NAMED[component["name"]]
    return ", ".join(dict.fromkeys(name.strip().splitlines()[0].split(" :: ")[-1].replace("|", "/") for name in short))
