"""The requirements of setup.cfg on other machines than this one."""

from configparser import ConfigParser

from packaging.requirements import Requirement
from support import ROOT


def requirements(python: str, machine: str, *extras: str) -> list[str]:
    """The package's requirements and those of ``extras`` that hold on ``machine`` (x86_64, aarch64) with ``python``."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    of_extras = config["options.extras_require"]
    text = "\n".join((config["options"]["install_requires"], *(of_extras[extra] for extra in extras)))
    listed = [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]
    markers = {"platform_machine": machine, "python_version": python}
    return [_without_marker(one) for one in listed if not one.marker or one.marker.evaluate(markers)]


def _without_marker(one: Requirement) -> str:
    extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
    return f"{one.name}{extras}{one.specifier}"


def all_requirements() -> list[Requirement]:
    """Every requirement of setup.cfg, of every machine and extra."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    text = "\n".join((config["options"]["install_requires"], *config["options.extras_require"].values()))
    return [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]
