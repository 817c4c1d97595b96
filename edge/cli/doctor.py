"""``maskwatch doctor``: checks the installation and says what to do about each problem."""

import argparse
import signal

from ..doctor.examination import examine
from ..faces.opening import model_path
from .arguments import EXIT_FAILURE, EXIT_OK, add_detector_option, add_device_option, open_settings, own_state


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", help="camera to try")
    add_device_option(command)
    command.add_argument("--broker", metavar="HOST[:PORT]", help="broker to try")
    command.add_argument("--model", metavar="FILE.tflite", help="model to try")
    add_detector_option(command)


def run(args: argparse.Namespace) -> int:
    """Prints one line per check; returns 1 if one failed. Raises ``ConfigError``."""
    config = open_settings(args).load()
    files = own_state(config)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the check that runs in order, like Ctrl-C
    exit_code = EXIT_OK
    for finding in examine(config, model_path(config), files):
        print(f"{finding.state:4}  {finding.subject:12} {finding.text}", flush=True)
        exit_code = EXIT_FAILURE if finding.state == "FAIL" else exit_code
    return exit_code
