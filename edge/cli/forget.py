"""``maskwatch forget``: Removes what a camera has left at the broker, so that no subscriber shows it any more."""

import argparse

from ..config.schema import Config
from ..errors import ConfigError, EdgeError, SourceError
from ..monitor.state import claim, folder_of, identity_of
from ..mqtt import homeassistant as discovery
from ..mqtt.client import V311, asked
from ..mqtt.topics import Topics
from .arguments import ENDED, configured, name_device

PATIENCE = 10.0


def add_arguments(command: argparse.ArgumentParser) -> None:
    name_device(command)
    command.add_argument("--broker", metavar="HOST[:PORT]", help="the broker; default as configured")


def run(args: argparse.Namespace) -> int:
    from ..monitor.state import running_health

    config = configured(args)
    if not config.mqtt.host:
        raise ConfigError("say which broker: --broker HOST, or [mqtt] host in a file named by --config")
    runs = f"{config.device.name} is running, and would announce itself again; stop it first"
    if running_health(folder_of(config)) is not None:
        raise ConfigError(runs)
    try:
        held = claim(identity_of(config))  # one with another state folder
    except ConfigError as error:
        raise ConfigError(runs) from error
    with held:
        topics = forget(config)
    print(f"{config.device.name} is forgotten at {config.mqtt.host}: {', '.join(topics)}")
    return ENDED


def left_behind(config: Config) -> list[str]:
    """Every retained topic of this camera; Home Assistant's first, which removes the device there."""
    topics = Topics(config.mqtt.prefix, config.device.name)
    return [discovery.topic(config), topics.state, topics.health, topics.enabled_state, topics.status]


def forget(config: Config) -> list[str]:
    """Publishes an empty retained message on each topic; returns them. Raises ``SourceError`` if the broker does not
    take them.
    """
    where, topics = f"{config.mqtt.host}:{config.mqtt.port}", left_behind(config)
    try:
        with asked(config.mqtt, V311) as (client, answer):
            if answer is None or answer.is_failure:
                raise SourceError(f"the broker {where} does not let us in: {answer or 'no answer'}")
            for message in [client.publish(topic, b"", qos=1, retain=True) for topic in topics]:
                message.wait_for_publish(PATIENCE)
                if not message.is_published():
                    raise SourceError(f"the broker {where} does not acknowledge; nothing is certain, try again")
            return topics
    except EdgeError:  # ours are OSErrors and ValueErrors too
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise SourceError(f"the broker {where} cannot be reached: {error}") from error
