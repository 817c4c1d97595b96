"""Where alerts go without a configured broker: webhooks get them all the same, from an outbox in the state folder."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from support import until
from support.phone import Server, alert

from edge.config.outputs import WebhookConfig
from edge.config.schema import Config, DeviceConfig, StateConfig
from edge.monitor.health import HealthMonitor
from edge.monitor.outlet import Outlet, open_outlet
from edge.mqtt.messages import AlertMessage
from edge.outbox.reading import history, peek
from edge.outputs.outputs import Outputs
from edge.outputs.sink import SinkWorker
from edge.outputs.webhook import Webhook
from edge.timing import Backoff


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


class Door:
    """An outlet without a configured broker, with a webhook."""

    def __init__(self, folder: Path, url: str, to_stdout: bool) -> None:
        self._stack = ExitStack()
        # a name of its own: on one machine only one process may have it, and tests run beside each other
        config = Config(device=DeviceConfig(name=f"door-{uuid4().hex}"), state=StateConfig(folder=str(folder)))
        hook = WebhookConfig(name="hook", url=url)
        health = HealthMonitor("model")
        worker = SinkWorker(hook, Webhook(hook), (), health.report, backoff=Backoff(0.01, 0.05))
        outputs = Outputs([], [worker], (), health.report)
        self._stack.callback(outputs.close)
        self.outlet: Outlet = open_outlet(config, to_stdout, health, False, self._stack, outputs)

    def raise_alerts(self, *ids: str) -> None:
        for id in ids:
            self.outlet.publisher.publish(AlertMessage.decode(alert("camera", id=id)))
        if (received := self.outlet.alerts_received) is not None:
            until(lambda: received() >= len(ids))  # each is printed then

    def close(self) -> bool:
        with self._stack:
            return self.outlet.publisher.close(0.5)


def ids(server: Server) -> list[str]:
    return [json.loads(posted.body)["id"] for posted in server.accepted]


@pytest.mark.parametrize("to_stdout", [True, False], ids=["print", "embedded broker"])
def test_alerts_wait_for_a_webhook_over_a_restart(
    tmp_path: Path, server: Server, to_stdout: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    door = Door(tmp_path, server.url, to_stdout)
    door.raise_alerts("1", "2")
    until(lambda: len(history(tmp_path / "outbox.db")[1]) == 2)
    assert door.close(), "no alert is lost"
    assert [message.id for message in peek(tmp_path / "outbox.db")[0]] == ["1@hook", "2@hook"]
    server.start()
    door = Door(tmp_path, server.url, to_stdout)
    door.raise_alerts("3")
    until(lambda: len(server.accepted) == 3)
    assert door.close() and ids(server) == ["1", "2", "3"]
    assert peek(tmp_path / "outbox.db") == ([], [])
    printed = [line for line in capsys.readouterr().out.splitlines() if "no_mask" in line or "NO MASK" in line]
    assert len(printed) == 3, "each alert is printed, once"
    assert door.outlet.outbox == tmp_path / "outbox.db", "the page shows their history"


def test_without_outputs_nothing_is_kept(tmp_path: Path) -> None:
    config = Config(state=StateConfig(folder=str(tmp_path / "state")))
    with ExitStack() as stack:
        outlet = open_outlet(config, True, HealthMonitor("model"), False, stack)
        assert outlet.outbox is None and outlet.publisher.close()
    assert not (tmp_path / "state").exists()
