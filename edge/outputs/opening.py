"""Opens the configured outputs. Each driver is imported only if an output has it."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TypeGuard

from ..addresses import shown_program
from ..config.outputs import (
    CommandConfig,
    OutputConfig,
    PinConfig,
    RelayConfig,
    ServoConfig,
    SituationOutputConfig,
    SoundConfig,
    WebhookConfig,
    is_interlock,
)
from ..config.schema import Config
from ..config.zone import Zone
from .driver import Actuator, AlertSink, Recipient, Release
from .faults import output_faults
from .outputs import Outputs, Report


def open_outputs(config: Config, report: Report, *, printed: Callable[[str], None] | None = None) -> Outputs:
    """Opens every output: first of all the pins, which get the level of their safe state at once.

    ``printed`` receives a line for what lamp, sound and the like would do, instead of driving them; then nothing is
    posted and no program is run. ``names`` of the result are those that are configured all the same. What an output
    lacks, and a device that does not answer, is no error: it is reported and tried again.
    """
    with ExitStack() as opened:  # closes what is open already if another one cannot be opened
        open_actuator = _Opener(printed)
        actuators: list[tuple[SituationOutputConfig, Actuator]] = []
        for output in sorted(
            _situation_outputs(config, printed is not None), key=lambda output: isinstance(output, SoundConfig)
        ):
            actuators.append((output, open_actuator(output)))
            opened.callback(actuators[-1][1].close)
        names = {output.name for output, _ in actuators}
        releases: dict[str, Release] = {}
        sinks: list[AlertSink] = []
        if printed is None:
            releases = {output.name: open_release(output) for output, _ in actuators if _has_release(output)}
            sinks = [open_sink(output, config, report) for output in config.outputs if output.name not in names]
        opened.pop_all()
    in_order = [output.name for output in config.outputs]
    return Outputs(actuators, sinks, config.detect.zones, report, releases=releases, names=in_order)


def described(output: OutputConfig) -> str:
    """Returns an output's name, and what it is, for the log."""
    match output:
        case RelayConfig(open_when="mask") if output.release_pin >= 0:
            what = f"interlock at pin {output.pin}, emergency release at pin {output.release_pin}"
        case RelayConfig(open_when="mask"):
            what = f"interlock at pin {output.pin}"
        case ServoConfig():
            what = f"servo at pin {output.pin}"
        case PinConfig():
            what = f"pin {output.pin}"
        case CommandConfig():
            what = f"program {shown_program(output.program[0])}"
        case _:
            what = "webhook" if isinstance(output, WebhookConfig) else "sound"
    return output.name if output.name == what else f"{output.name} ({what})"


def _situation_outputs(config: Config, is_demo: bool) -> list[SituationOutputConfig]:
    outputs = [output for output in config.outputs if isinstance(output, SituationOutputConfig)]
    if is_demo and not outputs:
        from .printed import DEMO_OUTPUTS

        return list(DEMO_OUTPUTS)
    return outputs


def _has_release(output: SituationOutputConfig) -> TypeGuard[RelayConfig]:
    return is_interlock(output) and output.release_pin >= 0


class _Opener:
    """Opens actuators. All sounds share one device."""

    def __init__(self, printed: Callable[[str], None] | None) -> None:
        self._printed = printed
        self._player: object = None

    def __call__(self, output: SituationOutputConfig) -> Actuator:
        if self._printed is not None:
            from .printed import printed_actuator

            return printed_actuator(output, self._printed)
        if isinstance(output, SoundConfig):
            return self._open_sound(output)
        from .pins import PinOutput, ServoOutput

        if isinstance(output, ServoConfig):
            return ServoOutput(output)
        assert isinstance(output, PinConfig)
        return PinOutput(output)

    def _open_sound(self, output: SoundConfig) -> Actuator:
        from .sound import Player, Sound

        if not isinstance(self._player, Player):
            self._player = Player()
        return Sound(output, self._player)


def open_release(output: RelayConfig) -> Release:
    """Opens the emergency release of an interlock."""
    from .pins import ReleaseInput

    return ReleaseInput(output)


def open_sink(output: OutputConfig, config: Config, report: Report) -> AlertSink:
    """Opens a webhook or command with its queue."""
    from .sink import SinkWorker

    assert isinstance(output, WebhookConfig | CommandConfig)

    def fault(zones: Sequence[Zone]) -> str:
        return output_faults((output,), zones).get(output.name, "")

    return SinkWorker(output, open_recipient(output), config.detect.zones, report, fault=fault)


def open_recipient(output: OutputConfig) -> Recipient:
    """Opens what a webhook or command delivers to."""
    if isinstance(output, CommandConfig):
        from .command import Command

        return Command(output)
    assert isinstance(output, WebhookConfig)
    from .webhook import Webhook

    return Webhook(output)
