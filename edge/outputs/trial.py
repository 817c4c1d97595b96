"""Makes the alert that a webhook or a program gets as a test."""

from ..clock import clock_synced
from ..config.outputs import CommandConfig, WebhookConfig
from ..mqtt.messages import AlertMessage, utc_now, uuid7


def test_alert(config: WebhookConfig | CommandConfig) -> AlertMessage:
    """Returns an alert that shows in its names that it is a test."""
    return AlertMessage(
        "incorrect_mask" if "no_mask" not in config.when else "no_mask",
        id=str(uuid7()),
        device="test",
        time=utc_now(),
        score=0.0,
        frames=0,
        seen_s=0.0,
        track="test",
        box=(0, 0, 0, 0),
        frame_size=(1, 1),
        clock_synced=clock_synced(),
        model="test",
    )
