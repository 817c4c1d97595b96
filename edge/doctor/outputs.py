"""Checks each output: pins, sound device, web address, program. Nothing is driven, posted or run."""

import os
import socket
import ssl
import stat
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import SplitResult
from urllib.request import getproxies, proxy_bypass

from ..addresses import PORTS, shown_server, split_post_address
from ..config.outputs import (
    CommandConfig,
    OutputConfig,
    PinConfig,
    RelayConfig,
    ServoConfig,
    SoundConfig,
    WebhookConfig,
    is_interlock,
)
from ..config.schema import Config
from ..config.sounds import read_sounds
from ..config.webhooks import read_webhook
from ..config.zone import Zone
from ..monitor.state import StateFiles, running_health
from ..mqtt.switches import how_to_unmute, is_muted
from ..outputs.faults import output_faults
from ..outputs.situation import is_within
from ..paths import open_at_once
from .check import Check, Result

OUTPUT_LIMIT_S = 25.0
"""Seconds for one output: a name server that is silent is asked several times."""
CONNECT_S = 10.0


def output_checks(config: Config, files: StateFiles) -> tuple[Check, ...]:
    """Returns a check per output."""
    return tuple(
        Check(
            f"output {output.name}",
            partial(check_in_use, output, config, files),
            _remedy(output),
            OUTPUT_LIMIT_S,
        )
        for output in config.outputs
    )


def check_in_use(output: OutputConfig, config: Config, files: StateFiles) -> Result:
    """Checks an output, and warns if it does nothing nevertheless, or sees too little. Raises like ``check_output``."""
    zones = config.detect.zones
    state, text = check_output(output, files.folder, zones)
    idle = []
    if is_interlock(output) and zones and not _cover_everything(zones):
        idle.append(
            "people outside the zones are not seen: draw a second zone over the surroundings, or leave zones out"
        )
    if (running_health(files.folder) or {}).get("outputs_demo"):
        idle.append("the running maskwatch only prints what its outputs would do (--outputs-demo)")
    if is_muted(config, files.outbox, output.name):
        idle.append(f"it is muted; {how_to_unmute(config, output.name)}")
    if state == "ok" and idle:
        return "warn", f"{text}, but {' and '.join(idle)}"
    return state, text


def _cover_everything(zones: Sequence[Zone]) -> bool:
    """Returns whether each place of the picture, of 32 by 32, lies in a zone."""
    steps = [(number + 0.5) / 32 for number in range(32)]
    return all(is_within(zones, x, y) for x in steps for y in steps)


def _remedy(output: OutputConfig) -> str:
    if isinstance(output, SoundConfig):
        return "plug the sound device out and in"
    return "check address and network" if isinstance(output, WebhookConfig) else "restart this machine"


def check_output(output: OutputConfig, state: Path, zones: Sequence[Zone] = ()) -> Result:
    """Uses what the running maskwatch reports, else tries what can be tried. Raises ``EdgeError`` or ``OSError``."""
    running = running_health(state)
    if (running or {}).get("outputs_demo"):
        running = None
    problem = str((running or {}).get("problem") or "")
    if f"output {output.name}:" in problem:
        return "FAIL", f"the running maskwatch reports: {problem}"
    # packages: a process that runs has them, or reports it; it may have another pin factory than this one
    for fault in output_faults((output,), zones, packages=running is None).values():
        return "FAIL", fault
    if isinstance(output, WebhookConfig):
        return check_webhook(output)
    if isinstance(output, CommandConfig):
        return check_command(output)
    if running is not None:
        return "ok", f"the running maskwatch drives it; maskwatch test-output {output.name} fires it once"
    return check_sound(output) if isinstance(output, SoundConfig) else check_pins(output)


def check_pins(output: OutputConfig) -> Result:
    """Asks the kernel whether somebody holds the pins."""
    from ..outputs.gpio import user_of

    for pin in _pins_of(output):
        if user := user_of(pin):
            return "FAIL", f"pin {pin} is held by {user!r}: end that program or overlay, or use another pin"
    return "ok", f"nobody holds {' or '.join(f'pin {pin}' for pin in _pins_of(output))}"


def _pins_of(output: OutputConfig) -> list[int]:
    assert isinstance(output, PinConfig | ServoConfig)
    release = output.release_pin if isinstance(output, RelayConfig) else -1
    return [pin for pin in (output.pin, release) if pin >= 0]


def check_sound(output: SoundConfig) -> Result:
    """Reads the files, and plays a tenth of a second of silence."""
    from ..outputs.aplay import Aplay

    files = {file.path for sounds in read_sounds(output).values() for file in sounds}
    if problem := Aplay().try_out(output.device):
        return "FAIL", problem
    return "ok", f"{output.device or 'the default sound device'} plays; {len(files)} sounds"


def check_webhook(output: WebhookConfig) -> Result:
    """Connects to the server of the address, and closes the connection."""
    parts = split_post_address(read_webhook(output).url)
    server = shown_server(parts)
    if parts.scheme in getproxies() and not proxy_bypass(str(parts.hostname)):
        return "ok", f"{server} is asked through a proxy; maskwatch test-output {output.name} tries it"
    try:
        _connect(parts)
    except ssl.SSLCertVerificationError as error:
        return "FAIL", f"{server} has no valid certificate: {error.verify_message}"
    except ssl.SSLError as error:
        return "FAIL", f"{server} does not speak TLS: {error.reason or 'no answer'}; check https and the port"
    except UnicodeError:
        return "FAIL", f"{server} is no name of a server; check the address"
    except OSError as error:
        return "FAIL", f"{server} cannot be reached: {error.strerror or error}; check address, port and network"
    encrypted = " with TLS" if parts.scheme == "https" else ""
    return "ok", f"{server} can be reached{encrypted}; maskwatch test-output {output.name} posts a test"


def _connect(parts: SplitResult) -> None:
    place = str(parts.hostname), parts.port or PORTS[parts.scheme]
    with socket.create_connection(place, CONNECT_S) as connection:
        if parts.scheme == "https":
            ssl.create_default_context().wrap_socket(connection, server_hostname=place[0]).close()


def check_command(output: CommandConfig) -> Result:
    """Looks at the program's file, its rights, and its interpreter."""
    program = output.program[0]
    if reason := _fault_of_content(program):
        return "FAIL", f"{program} cannot be run: {reason}"
    changeable = [path for path in (program, os.path.dirname(os.path.realpath(program))) if _anybody_may_write(path)]
    if changeable:
        return "warn", f"every user may change {changeable[0]}, which maskwatch runs; sudo chmod o-w {changeable[0]}"
    return "ok", f"{program} can be run; maskwatch test-output {output.name} runs it with a test"


def _fault_of_content(program: str) -> str:
    """Returns why the kernel does not start a file; an empty text for a file that is not readable, which is allowed."""
    if not os.access(program, os.R_OK):
        return ""
    with open(program, "rb", opener=open_at_once) as file:
        begin = file.readline(256)
    if begin.startswith(b"\x7fELF"):
        return ""
    if not begin.startswith(b"#!"):
        return "it is no program; a script must begin with a line such as #!/bin/sh"
    words = begin[2:].split()
    interpreter = os.fsdecode(words[0]) if words else ""
    return "" if os.access(interpreter, os.X_OK) else f"its first line names {interpreter!r}, which cannot be run"


def _anybody_may_write(path: str) -> bool:
    mode = os.stat(path).st_mode
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX
