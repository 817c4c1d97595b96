"""What setup.cfg asks for on another machine than this one."""

from configparser import ConfigParser

from packaging.requirements import Requirement
from support import ROOT


def requirements(python: str, machine: str, *extras: str) -> list[str]:
    """The package's requirements and those of ``extras`` that hold on ``machine`` (x86_64, aarch64) with ``python``."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    named = config["options.extras_require"]
    text = "\n".join((config["options"]["install_requires"], *(named[extra] for extra in extras)))
    wanted = [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]
    there = {"platform_machine": machine, "python_version": python}
    return [f"{each.name}{each.specifier}" for each in wanted if not each.marker or each.marker.evaluate(there)]
