"""The lock of the device's packages has what setup.cfg asks for, and the lists beside it have what the lock has."""

import json
import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support import ROOT
from support.lock import FOLDER, MACHINES, RELEASES, Release, wanted
from support.needs import all_requirements

INSTALLER = (ROOT / "systemd" / "install.sh").read_text()


def locked(release: Release) -> dict[str, str]:
    """The versions by name."""
    pins = re.findall(r"^(\S+)==(\S+) \\$", (FOLDER / f"{release.python}.txt").read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_the_lock_has_what_setup_cfg_asks_for(release: Release, machine: str) -> None:
    versions = locked(release)
    for one in map(Requirement, wanted(release, machine)):
        assert one.specifier.contains(versions[canonicalize_name(one.name)]), f"{one}: make lock"


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_every_package_of_the_lock_has_hashes(release: Release) -> None:
    lines = (FOLDER / f"{release.python}.txt").read_text().splitlines()
    allowed = re.compile(r"#.*|\S+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lines if not allowed.fullmatch(line)] == []
    after = [following for line, following in zip(lines, lines[1:], strict=False) if "==" in line]
    assert len(after) == len(locked(release)) and all("--hash=" in line for line in after)


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_the_bill_of_materials_and_the_licences_list_the_lock(release: Release) -> None:
    bill = json.loads((FOLDER / f"{release.python}.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX" and bill["metadata"]["component"]["name"] == "maskwatch"
    assert {canonicalize_name(one["name"]): one["version"] for one in bill["components"]} == locked(release)
    table = (FOLDER / f"{release.python}-licences.md").read_text()
    rows = dict(re.findall(r"^\| (\S+) \| (\S+) \| [^|]*\w", table, re.MULTILINE))
    assert {canonicalize_name(name): rows[name] for name in rows if name != "package"} == locked(release)


def test_the_installer_takes_wheels_of_the_lock_and_nothing_else() -> None:
    assert [line.strip() for line in INSTALLER.splitlines() if line.startswith("    pip ")] == [
        'pip --require-hashes --only-binary=:all: --ignore-installed -r "$lock" || {',
        'pip --no-index --no-build-isolation "$copy"',
    ]


def test_every_requirement_is_bounded_above() -> None:
    open_ended = [
        one
        for one in all_requirements()
        if not any(bound.operator in ("<", "<=", "==", "~=") for bound in one.specifier)
    ]
    assert open_ended == []
