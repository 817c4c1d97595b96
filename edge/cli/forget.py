"""``maskwatch forget``: deletes the retained messages of a camera at the broker, so that no subscriber shows it.

They are those that the camera would announce as it is configured, and those that it has announced under an earlier
name or prefix, or at another broker.
"""

import argparse
import shlex
from collections.abc import Iterator
from contextlib import ExitStack

from ..config.schema import Config
from ..errors import BrokerError, ConfigError
from ..monitor.announcing import follow_renaming
from ..monitor.state import claim, identity, identity_of, is_claimed, running_health
from ..mqtt.announced import Announced, Announcement, announcement
from ..mqtt.taking_back import Outcome, take_back
from .arguments import EXIT_OK, add_device_option, load_config, own_state


def add_arguments(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    command.add_argument("--broker", metavar="HOST[:PORT]", help="the broker (default: as configured)")


def run(args: argparse.Namespace) -> int:
    """Refuses while the camera runs; else deletes its messages. Raises ``ConfigError`` or ``BrokerError``."""
    config = load_config(args)
    files = own_state(config)
    running = running_health(files.folder)
    if running is not None and args.device in (None, running.get("device", args.device)):
        raise ConfigError(_running(running.get("device", config.device.name)))
    if args.device is None:
        follow_renaming(config, args.config)
    announced = Announced(files.announced if running is None else None)  # a camera of another name keeps its own list
    with ExitStack() as stack:
        if config.mqtt.host:
            try:
                stack.enter_context(claim(identity_of(config)))  # fails if it runs with another state folder
            except ConfigError as error:
                raise ConfigError(_running(config.device.name)) from error
        faults = list(_forget(config, announced, args.device))
    if faults:
        raise BrokerError("\n".join(faults))
    return EXIT_OK


def _running(device: str) -> str:
    return f"{device} is running and would announce itself again; stop it first"


def _forget(config: Config, announced: Announced, device: str | None) -> Iterator[str]:
    """Deletes what is announced, and prints what is deleted; yields what is left, and why."""
    own = announcement(config, discovery=True)
    known = announced.and_also(own) if config.mqtt.host else announced.all
    targets = [one.with_login_of(own) for one in known if device in (None, one.device)]
    if not targets:
        raise ConfigError("name the broker: --broker HOST, or [mqtt] host in the file given by --config")
    for one in targets:
        if one.key != own.key and is_claimed(identity(one.broker, one.device)):
            print(f"'{one.device}' at {one.where} is another camera that runs here; its messages stay")
            announced.remove(one)
            continue
        outcome = take_back(one, one.client_id, with_credential=one.may_see_password_of(own), everything=True)
        announced.remove(one.only(outcome.cleared))
        if outcome.cleared:
            print(f"removed device '{one.device}' from {one.where}; cleared: {', '.join(outcome.cleared)}")
        if (left := one.only(dict.fromkeys((*one.topics, *outcome.refused))).without(outcome.cleared)).topics:
            yield _left(left, outcome)


def _left(left: Announcement, outcome: Outcome) -> str:
    """Says which messages stay at the broker and why, and gives the command that deletes each."""
    refused = [f"the broker {left.where} keeps {topic}: {reason}" for topic, reason in outcome.refused.items()]
    broker = left.broker
    command = ["mosquitto_pub", "-h", broker.host, "-p", str(broker.port)]
    command += ["-u", broker.user, "-P", "PASSWORD"] if broker.user else []
    command += ["--cafile", broker.ca_file or "/etc/ssl/certs/ca-certificates.crt"] if broker.tls else []
    return "\n".join(
        [
            *(refused or [outcome.unreachable]),
            f"retained messages of '{left.device}' stay there; run maskwatch forget again, or delete each yourself:",
            *("  " + shlex.join([*command, "-r", "-n", "-t", topic]) for topic in left.topics),
        ]
    )
