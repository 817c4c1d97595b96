"""A GPIO chip of the kernel that has no hardware: the module gpio-sim."""

import shutil
import subprocess
from pathlib import Path

import pytest

CONFIGFS = Path("/sys/kernel/config")
LINES = 28


class Chip:
    """A chip with the lines of a Pi's header. The test is skipped where the kernel cannot make one."""

    def __init__(self) -> None:
        if shutil.which("modprobe"):
            subprocess.run(["modprobe", "-q", "gpio-sim"], check=False, timeout=30)
        if not (CONFIGFS / "gpio-sim").is_dir():
            subprocess.run(["mount", "-t", "configfs", "configfs", CONFIGFS], capture_output=True, timeout=30)
        if not (CONFIGFS / "gpio-sim").is_dir():
            pytest.skip("this kernel has no gpio-sim")
        self._folder = CONFIGFS / "gpio-sim" / "maskwatch"
        bank = self._folder / "bank"
        bank.mkdir(parents=True)
        (bank / "num_lines").write_text(str(LINES))
        (self._folder / "live").write_text("1")
        name = (bank / "chip_name").read_text().strip()
        self._lines = Path("/sys/devices/platform") / (self._folder / "dev_name").read_text().strip() / name
        self.device = Path("/sys/bus/gpio/devices", name, "dev").read_text().strip().replace(":", " ")
        """Major and minor number."""

    def level(self, line: int) -> int:
        """What the line puts out."""
        return int((self._lines / f"sim_gpio{line}" / "value").read_text())

    def close(self) -> None:
        (self._folder / "live").write_text("0")
        (self._folder / "bank").rmdir()
        self._folder.rmdir()
