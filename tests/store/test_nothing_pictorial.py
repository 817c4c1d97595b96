"""Canary: a real door with full snapshots, and a store; nothing of an image, no track and no place in what is kept.

What the door sent is looked for in counts, audit trail, database and metrics, as it is, in hex and in base64.
"""

import base64
import json
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.brokers import free_port
from support.browsing import Client
from support.postgres import Postgres, programs
from support.recorded import fill_counts

from edge.record.counts import Counts

pytestmark = [pytest.mark.store, pytest.mark.timeout(180)]
JPEG = b"\xff\xd8\xff"
PIECE, APART = 16, 997
"""Bytes of a piece of an image that is looked for, and bytes from one piece to the next."""
DOOR = """
[source]
repeat = true
[snapshots]
mode = "full"
[web]
enabled = true
port = {page}
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: Any, tmp_path: Path) -> tuple[str, Any]:
    """The address of a store, and what gives all of its content."""
    if request.param == "sqlite":
        file = tmp_path / "doors.db"
        return f"sqlite:{file}", lambda: dumped_sqlite(file)
    server = request.getfixturevalue("postgres")
    name = server.new_database()
    return server.address(name), lambda: dumped_postgres(server, name)


def dumped_sqlite(file: Path) -> bytes:
    """The statements that make the database again, and the file as it is, with what was deleted in it."""
    with closing(sqlite3.connect(file)) as db:
        return "\n".join(db.iterdump()).encode() + file.read_bytes()


def dumped_postgres(server: Postgres, name: str) -> bytes:
    address = server.address(name)
    done = subprocess.run([programs() / "pg_dump", "--inserts", address], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pieces(raw: bytes) -> set[bytes]:
    """Parts of an image as they are, in hex, and in base64 at each of its three positions."""
    found = set[bytes]()
    for start in range(200, len(raw) - PIECE, APART):
        piece = raw[start : start + PIECE]
        found |= {piece, piece.hex().encode(), piece.hex().upper().encode()}
        found |= {base64.b64encode(b"x" * shift + piece)[4:-4] for shift in range(3)}
    return found


def wanted(alerts: list[dict[str, Any]], images: list[bytes]) -> set[bytes]:
    """What must be nowhere: pieces of the images, tracks, boxes."""
    found = {piece for image in images for piece in pieces(image)}
    found |= {alert["track"].encode() for alert in alerts}
    found |= {",".join(map(str, alert["box"])).encode() for alert in alerts}
    found |= {", ".join(map(str, alert["box"])).encode() for alert in alerts}
    return found | {b'"track"', b'"box"', b'"frame_size"'}


def test_no_image_no_track_and_no_place_is_in_any_record(
    maskwatch: Any, mosquitto: Any, subscriber: Any, database: tuple[str, Any], tmp_path: Path
) -> None:
    address, dump = database
    broker, page, metrics = mosquitto().start(), free_port(), free_port()
    heard = subscriber(broker.port)
    store = maskwatch("watch", "--broker", broker.address, "--store", address, "--metrics", str(metrics))
    store.wait_for("metrics page is at")
    state = tmp_path / "state" / "maskwatch" / "entrance"
    # only slots that have ended go to the broker
    fill_counts(state / "record.db", [(time.time() - 3600, Counts(people=3, mask=3, watched=900.0))], "haar")
    file = tmp_path / "door.toml"
    file.write_text(DOOR.format(page=page))
    door = maskwatch("run", "--config", file, "--source", "demo", "--broker", broker.address)
    alerts = [json.loads(payload) for payload in heard.wait_for("maskwatch/entrance/alert", 3)]
    images = heard.wait_for("maskwatch/entrance/snapshot", 3)
    assert all(image.startswith(JPEG) and len(image) > 5000 for image in images)
    shown = {"metrics of the door": Client(page).ask("/metrics").body, "healthz": Client(page).ask("/healthz").body}
    until(lambda: b'door="entrance"' in Client(metrics).ask("/metrics").body, "the door is in the metrics")
    shown["metrics of all doors"] = Client(metrics).ask("/metrics").body
    assert door.end(signal.SIGTERM) == 0
    counts = [payload for topic, payload, _ in heard.messages if "/counts/" in topic]
    until(lambda: b'INSERT INTO "counts"' in dump() or b"INSERT INTO public.counts" in dump(), "counts are stored")
    until(lambda: all(alert["id"].encode() in dump() for alert in alerts), "the alerts are in the database")
    heard.wait_for("maskwatch/entrance/status", 2)
    assert store.end(signal.SIGTERM) == 0
    kept = shown | {"store": dump()} | {name: (state / name).read_bytes() for name in ("record.db", "audit.jsonl")}
    kept["counts on the wire"] = b"\n".join(counts)
    canaries = wanted(alerts, images)
    assert len(canaries) > 100 and all(alert["track"] for alert in alerts)
    assert {piece for piece in canaries if piece in images[0]}, "the canaries are found where they are"
    for name, raw in kept.items():
        assert raw, f"{name} is empty, so nothing was checked"
        assert JPEG + b"\xfe" not in raw and JPEG + b"\xe0" not in raw, f"{name} has an image"
        assert {piece for piece in canaries if piece in raw} == set(), name
