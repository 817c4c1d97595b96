"""The installer run by root where others have put programs, files and variables in its way.

Nothing is installed here: the last line of a copy of the script is replaced. tests/systemd has whole installations.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT
from support.users import NOBODY, open_folder

pytestmark = [
    pytest.mark.security,
    pytest.mark.skipif(os.geteuid() != 0, reason="the installer checks a checkout only as root"),
]
PARTS = ("edge", "convert", "models", "systemd", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
REFUSED = "belongs to, or can be written by, another user"


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A checkout of root in a folder that everybody may enter."""
    with open_folder() as folder:
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        subprocess.run(["chown", "-R", "root:root", str(folder)], check=True)
        subprocess.run(["chmod", "-R", "go-w", str(folder)], check=True)
        yield folder


def checked(checkout: Path, **more: str) -> str:
    """What the check of the checkout says: the function of the installer alone, as root."""
    script = (
        (checkout / "systemd" / "install.sh").read_text().replace('\nmain "$@"', "\ncheck_checkout && echo allowed")
    )
    (checkout / "systemd" / "check.sh").write_text(script)
    done = subprocess.run(["sh", str(checkout / "systemd" / "check.sh")], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **more})  # fmt: skip
    return done.stdout + done.stderr


def test_a_checkout_of_root_is_allowed(checkout: Path) -> None:
    assert checked(checkout) == "allowed\n"


def test_a_checkout_that_others_may_write_is_refused(checkout: Path) -> None:
    for victim in (checkout, checkout / "setup.cfg", checkout / "edge" / "mqtt", checkout / "models" / "mask.tflite"):
        mode = victim.stat().st_mode
        victim.chmod(mode | 0o002)
        assert REFUSED in checked(checkout), victim
        victim.chmod(mode | 0o020)
        os.chown(victim, 0, NOBODY)
        assert REFUSED in checked(checkout), victim
        victim.chmod(mode)
        os.chown(victim, NOBODY, 0)
        assert REFUSED in checked(checkout), victim
        os.chown(victim, 0, 0)
    assert checked(checkout) == "allowed\n"


def test_a_checkout_of_the_user_who_calls_sudo_is_allowed_to_that_user_only(checkout: Path) -> None:
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(checkout)], check=True)
    assert checked(checkout, SUDO_UID=str(NOBODY)) == "allowed\n"
    assert REFUSED in checked(checkout, SUDO_UID="12345") and REFUSED in checked(checkout)
    assert REFUSED in checked(checkout, SUDO_UID=f"{NOBODY} -o -true")


def test_a_folder_above_that_others_may_write_is_refused(checkout: Path) -> None:
    inner = checkout / "inner"
    inner.mkdir()
    for part in PARTS:
        (checkout / part).rename(inner / part)
    checkout.chmod(0o777)
    assert REFUSED in checked(inner)


def test_path_and_environment_of_the_caller_do_not_count(checkout: Path) -> None:
    script = (checkout / "systemd" / "install.sh").read_text().replace('\nmain "$@"', "\nenv; umask; command -v dpkg")
    (checkout / "systemd" / "shown.sh").write_text(script)
    hostile = {"PATH": f"{checkout}:{os.environ['PATH']}", "PYTHONPATH": "/tmp/x", "PIP_REQUIREMENT": "/tmp/x",
               "PIP_TARGET": "/tmp/x", "TMPDIR": "/tmp/x", "LD_PRELOAD_X": "/tmp/x", "PIP_NO_INDEX": "1"}  # fmt: skip
    (checkout / "dpkg").write_text("#!/bin/sh\n")
    (checkout / "dpkg").chmod(0o755)
    done = subprocess.run(["sh", "-c", f"umask 000; sh {checkout}/systemd/shown.sh"], capture_output=True, text=True,
                          timeout=60, env={**os.environ, **hostile})  # fmt: skip
    assert "/tmp/x" not in done.stdout and "PIP_NO_INDEX=1" in done.stdout and "\n0022\n" in done.stdout
    assert str(checkout) not in done.stdout.partition("OLDPWD")[0].replace(f"PWD={checkout}", "")


def test_no_module_of_the_caller_s_folder_is_run(tmp_path: Path) -> None:
    for name in ("venv", "ensurepip", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    done = subprocess.run([str(ROOT / "systemd" / "make-venv.sh"), str(tmp_path / "made"), "/usr/bin/python3"],
                          capture_output=True, text=True, timeout=120, cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(tmp_path)})  # fmt: skip
    assert not (tmp_path / "ran").exists(), done.stderr
