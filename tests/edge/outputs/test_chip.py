"""Pins by the real lgpio: over a chip that is put between it and the kernel, and without any chip."""

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from support import ROOT
from support.users import NOBODY

# importing lgpio here would leave a pipe in the working directory
pytestmark = pytest.mark.skipif(find_spec("lgpio") is None, reason="lgpio has no wheel for this Python")

OPEN = """
import sys, time
from edge.config.outputs import PinConfig, RelayConfig, ServoConfig
from edge.errors import OutputError
from edge.outputs.gpio import user_of
from edge.outputs.pins import PinOutput, ReleaseInput, ServoOutput
"""
Run = Callable[[str], list[str]]


@pytest.fixture(scope="session")
def chip_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or not Path("/usr/include/linux/gpio.h").exists():
        pytest.skip("no C compiler, or no headers of the kernel")
    library = tmp_path_factory.mktemp("chip") / "chip.so"
    source = ROOT / "tests/support/gpio/chip.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


def run(code: str, cwd: str, **environment: str) -> str:
    env = {name: value for name, value in os.environ.items() if name != "GPIOZERO_PIN_FACTORY"}
    env |= {"PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-W", "error::UserWarning", "-c", OPEN + code]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


@pytest.fixture
def with_chip(chip_library: Path, tmp_path: Path) -> Run:
    """Runs code in a process that has the chip. Returns what was done to its lines."""

    def start(code: str) -> list[str]:
        run(code, "/proc", LD_PRELOAD=str(chip_library), FAKE_CHIP=str(tmp_path))  # a folder that nobody writes to
        return (tmp_path / "log").read_text("ascii").split("\n")[:-1]

    return start


def without_repeats(lines: list[str]) -> list[str]:
    return [line for line, before in zip(lines, ["", *lines], strict=False) if line != before]


def test_a_relay_that_is_on_while_low_is_never_on_by_mistake(with_chip: Run) -> None:
    lines = with_chip(
        "p = PinOutput(PinConfig(pin=17, active='low'))\np.set(True, 'mask')\np.set(False, 'nobody')\np.close()"
    )
    assert without_repeats(lines) == ["output 17 1", "set 17 1", "set 17 0", "set 17 1", "free 17"]


@pytest.mark.parametrize(("fail", "first"), [("closed", "0"), ("open", "1")])
def test_an_interlock_begins_in_its_safe_state_and_stays_as_it_was(with_chip: Run, fail: str, first: str) -> None:
    code = f"p = PinOutput(RelayConfig(pin=4, open_when='mask', fail='{fail}'))\n"
    assert with_chip(f"{code}p.close()") == [f"output 4 {first}", f"set 4 {first}", "free 4"]


def test_the_end_of_the_process_changes_no_level(with_chip: Run) -> None:
    lines = with_chip("p = PinOutput(PinConfig(pin=17))\np.set(True, 'mask')\nprint('an end without close')")
    assert lines[-1] in ("set 17 1", "free 17") and [line for line in lines if "input" in line] == []


def test_the_release_is_pulled_up_and_read_anew_each_time(with_chip: Run, tmp_path: Path) -> None:
    lines = with_chip(
        f"""
r = ReleaseInput(RelayConfig(pin=4, release_pin=5))
assert not r.active()
open({str(tmp_path / "5.in")!r}, "w").write("0")
assert r.active()
r.close()
"""
    )
    assert lines[-1] == "free 5" and {line.split()[0] for line in lines} == {"input", "free"}
    assert [line for line in lines if line.endswith("up")]


def test_a_servo_knows_more_than_six_positions(with_chip: Run) -> None:
    code = """
s = ServoOutput(ServoConfig(pin=6, on=10, off=0))
s.set(True, "mask")
import gpiozero
assert abs(gpiozero.Device.pin_factory.pin(6)._pwm[1] - (7.5 + 5 * 10 / 180)) < 0.001
s.close()
"""
    lines = with_chip(code)
    assert lines[0] == "output 6 0" and lines[-1] == "free 6" and "set 6 1" in lines


def test_a_pin_that_another_process_holds_is_told_and_taken_later(with_chip: Run, tmp_path: Path) -> None:
    (tmp_path / "17.busy").touch()
    lines = with_chip(
        f"""
assert (user_of(17), user_of(18)) == ("spi0 CS0", None)
p = PinOutput(PinConfig(pin=17))
try:
    p.set(False, "nobody")
    sys.exit("taken")
except OutputError as error:
    assert str(error).startswith("pin 17 is in use by another program"), error
import os
os.unlink({str(tmp_path / "17.busy")!r})
p.set(True, "mask")
"""
    )
    assert lines[0] == "output 17 1"


def test_without_a_chip_one_sentence_says_so(tmp_path: Path) -> None:
    if glob.glob("/dev/gpiochip*"):
        pytest.skip("this machine has a GPIO chip")
    code = "try:\n PinOutput(PinConfig(pin=17)).set(True, 'mask')\nexcept OutputError as error:\n print(error)"
    assert run(code, "/proc") == "pin 17 cannot be used: this machine has no GPIO chip (/dev/gpiochip0)\n"


ANOTHER_DEV = """
mount -t tmpfs dev "$0" && mknod "$0/null" c 1 3 && chmod 666 "$0/null" && mknod "$0/urandom" c 1 9 || exit 77
touch "$0/gpiochip0" && chmod 600 "$0/gpiochip0" && mount --bind "$0" /dev || exit 77
exec "$@"
"""
WITHOUT_RIGHTS = f"""
import os, encodings.idna, gpiozero, edge.outputs.gpio
edge.outputs.gpio._load_lgpio()
import edge.outputs.chip
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
try:
    PinOutput(PinConfig(pin=17)).set(True, "mask")
except OutputError as error:
    print(error)
"""


def test_a_chip_that_this_user_may_not_use_is_told(tmp_path: Path) -> None:
    command = ["unshare", "-m", "sh", "-c", ANOTHER_DEV, str(tmp_path), sys.executable, "-c", OPEN + WITHOUT_RIGHTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    if done.returncode == 77 or done.stderr.startswith("unshare"):
        pytest.skip(f"this user cannot have another /dev: {done.stderr.strip()}")
    assert done.stdout == (
        "pin 17 cannot be used: /dev/gpiochip0 cannot be opened (Permission denied): "
        "the service needs install.sh --gpio, a user the group gpio\n"
    ), done.stderr


def test_lgpio_leaves_nothing_behind(tmp_path: Path) -> None:
    """By itself it leaves a pipe in the working directory."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    code = "PinOutput(PinConfig(pin=17))\nimport os\nassert 'LG_WD' not in os.environ\nprint(os.getcwd())"
    assert run(code, str(tmp_path), TMPDIR=str(temporary)) == f"{tmp_path}\n"
    assert list(tmp_path.iterdir()) == [temporary] and list(temporary.iterdir()) == []
