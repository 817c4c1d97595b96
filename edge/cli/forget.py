"""``maskwatch forget``: deletes the retained messages of a camera at the broker, so that no subscriber shows it."""

import argparse

from ..config.schema import Config
from ..errors import BrokerError, ConfigError
from ..monitor.state import claim, folder_of, identity_of, running_health
from ..mqtt import homeassistant
from ..mqtt.client import V311, probe_login
from ..mqtt.topics import Topics
from .arguments import EXIT_OK, add_device_option, load_config

ACKNOWLEDGE_TIMEOUT = 10.0


def add_arguments(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    command.add_argument("--broker", metavar="HOST[:PORT]", help="the broker (default: as configured)")


def run(args: argparse.Namespace) -> int:
    """Refuses while the camera runs; else deletes its messages. Raises ``ConfigError`` or ``BrokerError``."""
    config = load_config(args)
    if not config.mqtt.host:
        raise ConfigError("name the broker: --broker HOST, or [mqtt] host in the file given by --config")
    running = f"{config.device.name} is running and would announce itself again; stop it first"
    if running_health(folder_of(config)) is not None:
        raise ConfigError(running)
    try:
        claimed = claim(identity_of(config))  # fails if the camera runs with another state folder
    except ConfigError as error:
        raise ConfigError(running) from error
    with claimed:
        topics = forget(config)
    address = f"{config.mqtt.host}:{config.mqtt.port}"
    print(f"removed device '{config.device.name}' from {address}; cleared: {', '.join(topics)}")
    return EXIT_OK


def retained_topics(config: Config) -> list[str]:
    """Lists every retained topic of a camera; Home Assistant's comes first, which removes the device there."""
    topics = Topics(config.mqtt.prefix, config.device.name)
    return [homeassistant.topic(config), topics.state, topics.health, topics.enabled_state, topics.status]


def forget(config: Config) -> list[str]:
    """Publishes an empty retained message on each topic; returns the topics. Raises ``BrokerError``."""
    address = f"{config.mqtt.host}:{config.mqtt.port}"
    topics = retained_topics(config)
    try:
        with probe_login(config.mqtt, V311) as (client, answer):
            if answer is None or answer.is_failure:
                raise BrokerError(f"the broker {address} refuses the login: {answer or 'no answer'}")
            for message in [client.publish(topic, b"", qos=1, retain=True) for topic in topics]:
                message.wait_for_publish(ACKNOWLEDGE_TIMEOUT)
                if not message.is_published():
                    raise BrokerError(
                        f"the broker {address} did not acknowledge within {ACKNOWLEDGE_TIMEOUT:.0f} s; try again"
                    )
            return topics
    except ConfigError:  # it names the failure already, and is a ValueError too
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise BrokerError(f"the broker {address} cannot be reached: {error}") from error
