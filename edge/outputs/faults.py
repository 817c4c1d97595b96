"""Finds what this machine lacks of what outputs need: files, programs, packages, zones.

None of it is a reason not to watch: each output reports its own fault, and tries again by itself.
"""

from collections.abc import Iterable, Sequence

from ..config import sounds, webhooks
from ..config.output_contradictions import fault_of_program, fault_of_zone
from ..config.outputs import CommandConfig, OutputConfig, PinConfig, ServoConfig, SoundConfig, WebhookConfig
from ..config.zone import Zone
from .gpio import fault_of_packages


def output_faults(
    outputs: Iterable[OutputConfig], zones: Sequence[Zone] | None, *, packages: bool = True
) -> dict[str, str]:
    """Returns what keeps outputs from working on this machine, by name.

    ``zones`` are those in use, which the page may have set; None if they are not known. Without ``packages``, those
    that may be installed later do not count.
    """
    found = {output.name: [*_of_zone(output, zones), *_of_driver(output, packages)] for output in outputs}
    return {name: "; ".join(faults) for name, faults in found.items() if faults}


def _of_zone(output: OutputConfig, zones: Sequence[Zone] | None) -> Iterable[str]:
    if zones is not None and (fault := fault_of_zone(output, zones)):
        yield fault


def _of_driver(output: OutputConfig, packages: bool) -> Iterable[str]:
    if isinstance(output, SoundConfig):
        yield from sounds.faults_of_files(output)
    elif isinstance(output, WebhookConfig):
        yield from webhooks.faults_of_files(output)
    elif isinstance(output, CommandConfig) and (fault := fault_of_program(output.program[0])):
        yield f"outputs.{output.name}.program: {fault}"
    elif packages and isinstance(output, PinConfig | ServoConfig) and (fault := fault_of_packages()):
        yield f"outputs.{output.name}: {fault}"
