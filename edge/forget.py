"""``maskwatch forget``: takes back what a camera has left at the broker, so that nobody goes on showing it."""

import threading
from typing import Any

from . import discovery
from .client import V311, new_client
from .config import Config
from .errors import SourceError
from .messages import Topics

PATIENCE = 10.0


def left_behind(config: Config) -> list[str]:
    """Every retained topic of this camera; Home Assistant's first, which removes the device there."""
    topics = Topics(config.mqtt.prefix, config.device.name)
    return [discovery.topic(config), topics.state, topics.health, topics.enabled_state, topics.status]


def forget(config: Config) -> list[str]:
    """Publishes an empty retained message on each topic; returns them. Raises ``SourceError`` if the broker does not
    take them.
    """
    where = f"{config.mqtt.host}:{config.mqtt.port}"
    client, answered, answers = new_client(config.mqtt, "", V311), threading.Event(), list[Any]()

    def on_connect(c: Any, u: Any, f: Any, reason: Any, p: Any) -> None:
        answers.append(reason)
        answered.set()

    client.on_connect = on_connect
    try:
        client.connect(config.mqtt.host, config.mqtt.port, 30)
        client.loop_start()
        if not answered.wait(PATIENCE) or answers[0].is_failure:
            raise SourceError(f"the broker {where} does not let us in: {answers[0] if answers else 'no answer'}")
        topics = left_behind(config)
        for message in [client.publish(topic, b"", qos=1, retain=True) for topic in topics]:
            message.wait_for_publish(PATIENCE)
            if not message.is_published():
                raise SourceError(f"the broker {where} does not acknowledge; nothing is certain, try again")
        return topics
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"the broker {where} cannot be reached: {error}") from error
    finally:
        client.disconnect()
        client.loop_stop()
