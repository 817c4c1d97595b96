"""Opens the configured outputs. Each driver is imported only if an output has it."""

from collections.abc import Callable

from ..config.schema import Config
from .outputs import Outputs, Report


def open_outputs(config: Config, report: Report, *, printed: Callable[[str], None] | None = None) -> Outputs:
    """Opens every output: first of all the actuators, which go into their safe state at once.

    ``printed`` receives a line for what lamp, sound and the like would do, instead of driving them. Raises
    ``ConfigError`` for what the configuration names and this machine cannot have (a missing package, a pin that two
    outputs use). A device that does not answer is no error: it is reported and tried again.
    """
    raise NotImplementedError
