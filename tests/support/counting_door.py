"""A door without a camera: ``python -m support.counting_door PORT FOLDER 5|3`` counts what it reads.

The last argument is the version of MQTT. Each line of its input is what somebody counts as, for example ``mask``;
``unsynced`` and ``synced`` tell whether days may be taken back. It prints ``done`` when a line has taken effect. It
runs as a process of its own, so that its clock can be moved.
"""

import sys
import threading
from pathlib import Path

from edge.config.schema import MqttConfig
from edge.monitor.daily import DailyCounts
from edge.mqtt.announced import Announced
from edge.mqtt.client import V5, V311
from edge.mqtt.publisher import MqttPublisher
from edge.record.recorder import Recorder

MODEL = "mask@12345678"


def main(port: int, folder: Path, protocol: str) -> None:
    synced = [True]
    publisher = MqttPublisher(
        MqttConfig(host="127.0.0.1", port=port),
        "door",
        folder / "outbox.db",
        V5 if protocol == "5" else V311,
        report=lambda part, text: print(f"{part}: {text}", flush=True),
        announced=Announced(folder / "announced.json"),
    )
    record = Recorder(
        folder / "record.db",
        detector="yunet",
        model=MODEL,
        report=lambda text: print(f"counts: {text}", flush=True),
        clock_synced=lambda: True,
    )
    DailyCounts(
        record, publisher, detector="yunet", model=MODEL, config=lambda: "c0ffee00", clock_synced=lambda: synced[0]
    )
    written = threading.Event()
    record.followers.append(lambda days, on_disk: written.set())
    for number, line in enumerate(map(str.strip, sys.stdin)):
        if line in ("synced", "unsynced"):
            synced[0] = line == "synced"
        else:
            written.clear()
            record.person(line)  # type: ignore[arg-type]
            record.mark([f"{number}"], True)  # makes the writer write
            assert written.wait(20)
        print("done", flush=True)
    record.close()
    publisher.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
