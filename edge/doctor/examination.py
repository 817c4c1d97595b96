"""Lists the checks of ``maskwatch doctor``, in the order in which they are reported."""

from collections.abc import Iterator
from pathlib import Path

from ..config.outputs import CommandConfig, WebhookConfig
from ..config.schema import Config
from ..monitor.state import StateFiles
from . import installation, machine, service
from .broker import BROKER_LIMIT_S, check_broker
from .camera import CAMERA_LIMIT_S, check_camera
from .check import Check, Finding, carry_out
from .outputs import output_checks
from .page import check_page

CHECK_DISK = "check that its disk or network drive answers"


def examine(config: Config, model: Path, files: StateFiles) -> Iterator[Finding]:
    """Yields a finding per check as soon as it is known. ``files`` are those of the state folder.

    If maskwatch runs, the camera is not opened a second time; what the running process reports is used instead.
    """
    for check in checks(config, model, files):
        yield carry_out(check)


def checks(config: Config, model: Path, files: StateFiles) -> tuple[Check, ...]:
    """Returns every check."""
    camera = "restart the camera, and check its address and the network"
    sinks = [output.name for output in config.outputs if isinstance(output, WebhookConfig | CommandConfig)]
    return (
        Check("versions", installation.check_versions, "install maskwatch again"),
        Check("model", lambda: installation.check_model(model, config.classify.threads), "name a file of a model"),
        Check("detector", lambda: installation.check_detector(config.detect), "check the file of [detect]"),
        Check("service", lambda: service.check_service(files), CHECK_DISK),
        Check("camera", lambda: check_camera(config, files), camera, CAMERA_LIMIT_S),
        Check("broker", lambda: check_broker(config, files), "check host, port and network", BROKER_LIMIT_S),
        Check("page", lambda: check_page(config.web, files.folder), "check the address in [web]"),
        *output_checks(config, files),
        Check("alerts", lambda: service.check_outbox(files.outbox, sinks), CHECK_DISK),
        Check("disk", lambda: machine.check_disk(files.folder), CHECK_DISK),
        Check("temperature", machine.check_temperature, "restart this machine"),
        Check("clock", machine.check_clock, "restart this machine"),
    )
