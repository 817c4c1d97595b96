"""A door without a camera: a process that raises alerts at a given pace, with the real publisher and state folder.

Prints ``raised ID`` on stdout for every alert, and ``trouble PART TEXT`` or ``well PART`` on stderr at every change.
The exit code is 0, or 1 if alerts were lost, or 2 if it could not start.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from edge.clock import clock_synced
from edge.config.outputs import WebhookConfig
from edge.config.schema import MqttConfig
from edge.errors import EdgeError
from edge.monitor.state import StateFiles, StateFolder
from edge.mqtt.messages import AlertMessage, utc_now, uuid7
from edge.mqtt.publisher import MqttPublisher
from edge.outputs.sink import SinkWorker
from edge.outputs.webhook import Webhook
from edge.timing import Backoff


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True, metavar="HOST:PORT")
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--count", required=True, type=int, help="0: only deliver what an earlier run left")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between two alerts")
    parser.add_argument("--prefix", default="maskwatch")
    parser.add_argument("--device", default="door")
    parser.add_argument("--user", default="")
    parser.add_argument("--password-file", default="")
    parser.add_argument("--ca", default="")
    parser.add_argument("--cert", default="")
    parser.add_argument("--key", default="")
    parser.add_argument("--keepalive", type=int, default=MqttConfig().keepalive)
    parser.add_argument("--webhook", default="", help="an address to which each alert is posted, too")
    parser.add_argument("--stay", action="store_true", help="after the last alert, until SIGTERM")
    parser.add_argument("--linger", type=float, default=5.0, help="with --count 0: seconds without a waiting alert")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds for the last alerts to be delivered")
    return parser.parse_args()


def settings(args: argparse.Namespace) -> MqttConfig:
    host, _, port = args.broker.rpartition(":")
    return MqttConfig(
        host=host,
        port=int(port),
        user=args.user,
        password_file=args.password_file,
        prefix=args.prefix,
        keepalive=args.keepalive,
        tls=bool(args.ca),
        ca_file=args.ca,
        cert_file=args.cert,
        key_file=args.key,
    )


def webhooks(args: argparse.Namespace, report: Callable[[str, str | None], None]) -> list[SinkWorker]:
    if not args.webhook:
        return []
    config = WebhookConfig(name="hook", url=args.webhook)
    return [SinkWorker(config, Webhook(config), (), report, backoff=Backoff(0.05, 0.2))]


class Reporter:
    """Prints every change of a part's trouble as one line. Any thread may call it."""

    def __init__(self) -> None:
        self._troubles: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def __call__(self, part: str, trouble: str | None) -> None:
        with self._lock:
            if part in self._troubles and self._troubles[part] == trouble:
                return
            self._troubles[part] = trouble
            line = f"well {part}" if trouble is None else f"trouble {part} {trouble}"
            os.write(2, f"{line}\n".encode())


def alert(device: str) -> AlertMessage:
    return AlertMessage(
        event_type="no_mask",
        id=str(uuid7()),
        device=device,
        time=utc_now(),
        score=0.987,
        frames=12,
        seen_s=1.25,
        track="0badcafe-1",
        box=(10, 20, 110, 140),
        frame_size=(640, 480),
        clock_synced=clock_synced(),
        model="raiser",
    )


def settle(
    publisher: MqttPublisher, sinks: list[SinkWorker], stop: threading.Event, quiet: float, patience: float
) -> None:
    """Returns when no alert has waited for ``quiet`` seconds, or after ``patience`` seconds."""
    deadline, since = time.monotonic() + patience, time.monotonic()
    while not stop.wait(0.05) and time.monotonic() < deadline:
        if publisher.waiting or any(sink.waiting for sink in sinks):
            since = time.monotonic()
        elif time.monotonic() - since >= quiet:
            return


def main() -> int:
    args, stop = arguments(), threading.Event()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        state = StateFolder(args.folder, f"{args.prefix}/{args.device} at {args.broker}")
        report, outbox = Reporter(), StateFiles(args.folder).outbox
        sinks = webhooks(args, report)
        publisher = MqttPublisher(settings(args), args.device, outbox, report=report, sinks=sinks)
    except EdgeError as error:
        print(error, file=sys.stderr)
        return 2
    for _ in range(args.count):
        if stop.is_set():
            break
        message = alert(args.device)
        publisher.publish(message)
        print(f"raised {message.id}", flush=True)
        stop.wait(args.pace)
    if args.stay:
        stop.wait()
    settle(publisher, sinks, stop, 1.0 if args.count else args.linger, args.patience)
    kept = publisher.close()
    state.close()
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
