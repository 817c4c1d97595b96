"""Finds options of the outputs that contradict each other, and zones and programs that are not there."""

import os
from collections.abc import Iterable, Sequence

from ..addresses import shown, shown_program
from . import sounds, webhooks
from .outputs import CommandConfig, OutputConfig, PinConfig, RelayConfig, ServoConfig, SoundConfig, WebhookConfig
from .zone import Zone

UNUSED_BY_INTERLOCK = ("when", "hold", "release", "pulse")
ONLY_OF_INTERLOCK = ("open_for", "fail", "release_pin", "release_active")


def in_outputs(outputs: Sequence[OutputConfig]) -> Iterable[str]:
    """Returns what is wrong with the options of the outputs, one line each; nothing is looked for on this machine."""
    for output in outputs:
        if isinstance(output, PinConfig | ServoConfig):
            yield from _in_pin(output)
        elif isinstance(output, SoundConfig):
            yield from sounds.faults(output)
        elif isinstance(output, WebhookConfig):
            yield from webhooks.faults(output)
        elif isinstance(output, CommandConfig):
            yield from _in_command(output)
    yield from _pins_used_twice(outputs)


def fault_of_zone(output: OutputConfig, zones: Iterable[Zone]) -> str:
    """Returns what is wrong if the zone of an output is none of the zones in use; an empty text if it is one."""
    names = {zone.name for zone in zones}
    if not output.zone or output.zone in names:
        return ""
    known = ", ".join(repr(name) for name in sorted(names - {""}))
    return f"outputs.{output.name}.zone = {shown(output.zone)[:80]!r}: no zone of [detect] has this name; " + (
        f"known: {known}" if known else "name a zone on the page or in detect.zones, or leave it empty"
    )


def lost_zones(outputs: Iterable[OutputConfig], before: Sequence[Zone], after: Sequence[Zone]) -> Iterable[str]:
    """Returns a line for each output whose zone is among the zones ``before``, and not among those ``after``."""
    for output in outputs:
        if not fault_of_zone(output, before) and (fault := fault_of_zone(output, after)):
            yield fault


def _in_pin(output: PinConfig | ServoConfig) -> Iterable[str]:
    place = f"outputs.{output.name}"
    if output.pin < 0:
        yield f"{place}.pin is missing: give the GPIO pin by its BCM number, for example 17"
    if isinstance(output, ServoConfig):
        if output.on == output.off:
            yield f"{place}.on and {place}.off are the same angle: the servo would never move"
        return
    # with its default, hold gives way to pulse
    if 0 < output.pulse < output.hold and "hold" in _changed(output):
        yield f"{place}.hold is more than {place}.pulse, after which it goes off; make one of them fit"
    if isinstance(output, RelayConfig):
        yield from _in_relay(output)


def _in_relay(relay: RelayConfig) -> Iterable[str]:
    place = f"outputs.{relay.name}"
    interlock = f'{place}.open_when = "mask"'
    for name in UNUSED_BY_INTERLOCK if relay.open_when else ONLY_OF_INTERLOCK:
        if name in _changed(relay):
            why = f"has no meaning with {interlock}; leave it out" if relay.open_when else f"needs {interlock}"
            yield f"{place}.{name} {why}"
    if relay.open_when and "release_active" in _changed(relay) and relay.release_pin < 0:
        yield f"{place}.release_active needs {place}.release_pin"


def _changed(output: OutputConfig) -> set[str]:
    """Returns the names of the options that differ from their defaults."""
    defaults = type(output)()
    return {name for name in output.__dataclass_fields__ if getattr(output, name) != getattr(defaults, name)}


def _pins_used_twice(outputs: Sequence[OutputConfig]) -> Iterable[str]:
    users: dict[int, str] = {}
    for output in outputs:
        for option in ("pin", "release_pin"):
            pin, place = getattr(output, option, -1), f"outputs.{output.name}.{option}"
            if pin >= 0 and (user := users.setdefault(pin, place)) != place:
                yield f"{place} = {pin}: {user} is this pin already; give each a pin of its own"


def _in_command(command: CommandConfig) -> Iterable[str]:
    place = f"outputs.{command.name}.program"
    if not command.program or not command.program[0]:
        yield f'{place} is missing: give a program, for example ["/usr/local/bin/tell"]'
        return
    program = command.program[0]
    if not program.startswith("/"):
        yield f"{place} must begin with an absolute path, for example /usr/local/bin/tell"


def fault_of_program(program: str) -> str:
    """Returns why a file cannot be run by this user, with its name; an empty text if it can."""
    begin, name = program.split()[0], repr(shown_program(program))
    if not os.path.exists(program):
        if begin != program and os.path.isfile(begin):
            return f'{name}: program and arguments are in one text; write ["{shown(begin)[:80]}", "ARGUMENT"]'
        return f"{name} cannot be run: there is no such file"
    if os.path.isdir(program):
        return f"{name} cannot be run: it is a folder"
    return "" if os.access(program, os.X_OK) else f"{name} cannot be run: it is not executable; chmod +x it"
