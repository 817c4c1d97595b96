"""``maskwatch forget``: takes back what a camera has left at the broker, so that nobody goes on showing it."""

from .config.schema import Config
from .errors import EdgeError, SourceError
from .mqtt import homeassistant as discovery
from .mqtt.client import V311, asked
from .mqtt.topics import Topics

PATIENCE = 10.0


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
