"""Snapshots of alerts: faces are blurred, files are deleted after a time, and they are published only if configured."""

import json
import os
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from support import until
from support.users import open_folder, run_without_rights

from edge.camera.frames import Image
from edge.config.schema import BlurredPart, Config, DetectConfig, PrivacyConfig, SnapshotMode, SnapshotsConfig
from edge.faces.drawing import COLOURS
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.faces.haar import HaarDetector
from edge.faces.hiding import blur
from edge.faces.opening import open_hider
from edge.faces.yunet import YuNetDetector
from edge.monitor.retention import purge, purge_all
from edge.monitor.snapshots import NARROWEST, Snapshots
from edge.monitor.state import StateFolder
from edge.monitor.state_watch import StateWatch
from edge.mqtt.messages import UNBLURRED

DAY = 86400.0


def clip_image(door: Path, number: int) -> Image:
    capture = cv2.VideoCapture(str(door))
    capture.set(cv2.CAP_PROP_POS_FRAMES, number)
    return np.asarray(capture.read()[1], np.uint8)


def sensitive_detector() -> HaarDetector:
    """A detector that finds more faces than the default one."""
    return HaarDetector(DetectConfig(cascade="alt2", min_face=24, scale_step=1.1, neighbours=1))


def snapshots_of(mode: SnapshotMode, folder: Path, blur: BlurredPart = "face") -> Snapshots:
    config = Config(privacy=PrivacyConfig(blur=blur))
    hide = open_hider(config).hide if mode == "blurred" else None
    return Snapshots(SnapshotsConfig(mode=mode), folder, "entrance", hide)


@pytest.mark.parametrize("cascade", ["default", "alt", "alt2"])
@pytest.mark.parametrize("number", [60, 220, 300])
def test_no_cascade_detects_a_blurred_face(cascade: str, number: int, door: Path) -> None:
    image = clip_image(door, number)
    faces = sensitive_detector().detect(image)
    assert faces, "the image must contain a face"
    hidden = blur(image, faces)
    again = HaarDetector(DetectConfig(cascade=cascade, min_face=24, scale_step=1.1, neighbours=3)).detect(hidden)
    assert not [box for box in again for face in faces if face.x0 < box.centre[0] < face.x1]
    assert not np.shares_memory(image, hidden)


def test_the_image_outside_the_faces_stays_sharp(door: Path) -> None:
    image = clip_image(door, 60)
    hidden = blur(image, [Box(300, 200, 340, 240)])
    changed = (image != hidden).any(axis=2)
    assert changed[210:230, 310:330].mean() > 0.5
    assert not changed[:, :280].any() and not changed[:180].any()


def test_boxes_at_and_beyond_the_edge_can_be_blurred(door: Path) -> None:
    image = clip_image(door, 60)
    height, width = image.shape[:2]
    for box in (Box(0, 0, 5, 5), Box(width - 3, height - 3, width, height), Box(-50, -50, -40, -40), Box(9, 9, 9, 9)):
        assert blur(image, [box]).shape == image.shape


def test_blurred_also_hides_faces_the_loop_did_not_report(door: Path, tmp_path: Path) -> None:
    image = clip_image(door, 60)
    face = sensitive_detector().detect(image)[0]
    taken = {}
    for mode in ("blurred", "full"):
        jpeg = snapshots_of(mode, tmp_path).take(image, [], Face(Box(0, 0, 9, 9), {"no_mask": 0.9}))
        taken[mode] = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    for mode, sharp in (("full", True), ("blurred", False)):
        middle = face.width // 6  # around the face, in the corners of its box, nothing is hidden
        part = taken[mode][face.y0 + middle : face.y1 - middle, face.x0 + middle : face.x1 - middle]
        assert (cv2.Laplacian(part, cv2.CV_64F).var() > 30) == sharp, mode


def test_snapshots_are_complete_and_only_the_owner_may_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    snapshots_of("full", folder).keep("a", b"jpeg")
    (path,) = folder.iterdir()
    assert path.name == "a.jpg" and path.read_bytes() == b"jpeg"
    assert path.stat().st_mode & 0o077 == 0 and folder.stat().st_mode & 0o077 == 0


def test_old_and_surplus_snapshots_are_deleted_oldest_first(tmp_path: Path) -> None:
    now = 1_800_000_000.0
    for number in range(6):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(bytes(400_000))
        os.utime(path, (now - number * DAY, now - number * DAY))
    (tmp_path / "notes.txt").write_text("not a snapshot")
    assert purge(tmp_path, SnapshotsConfig(keep_days=0.5, keep_mb=100), None) == 0, (
        "the age counts with a good clock only"
    )
    assert purge(tmp_path, SnapshotsConfig(keep_days=4.5, keep_mb=100), now) == 1
    assert purge(tmp_path, SnapshotsConfig(keep_days=365, keep_mb=1), now) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.jpg", "1.jpg", "notes.txt"]
    assert purge_all(tmp_path) == 2 and purge(tmp_path / "none", SnapshotsConfig(), now) == 0


def test_old_snapshots_are_deleted_though_nobody_comes_and_snapshots_are_off_now(tmp_path: Path) -> None:
    state = StateFolder(tmp_path, f"test-{os.urandom(8).hex()}")
    state.files.snapshots.mkdir()
    for number in range(3):  # by size, which counts with any clock
        (path := state.files.snapshots / f"{number}.jpg").write_bytes(bytes(600_000))
        os.utime(path, (1_800_000_000 + number, 1_800_000_000 + number))
    with closing(state), closing(StateWatch(state, lambda text: None, SnapshotsConfig("off", keep_mb=1))):
        until(lambda: os.listdir(state.files.snapshots) == ["2.jpg"], "the older ones are deleted")


def test_a_disk_that_cannot_be_written_is_reported_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    reports: list[str | None] = []
    Snapshots(SnapshotsConfig(mode="full"), tmp_path / "file", "entrance", None, reports.append).keep("a", b"jpeg")
    assert reports[-1] is not None and "cannot be saved" in reports[-1]


@pytest.mark.parametrize("mode", ["off", "blurred"])
def test_every_alert_has_a_snapshot_only_if_configured(
    mode: str, maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    config = tmp_path / "door.toml"
    config.write_text(f'[snapshots]\nmode = "{mode}"\n')
    run = maskwatch("run", "--source", "demo", "--broker", broker.address, "--config", config)
    assert run.end() == 0
    alerts = [json.loads(payload) for payload in received.wait_for("maskwatch/entrance/alert", 4)]
    snapshots = received.on("maskwatch/entrance/snapshot")
    kept = sorted((tmp_path / "state" / "maskwatch" / "entrance" / "snapshots").glob("*"))
    assert [alert["snapshot"] for alert in alerts] == [mode == "blurred"] * 4
    assert len(snapshots) == len(kept) == (4 if mode == "blurred" else 0)
    for snapshot in snapshots:
        image = cv2.imdecode(np.frombuffer(snapshot, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (480, 640, 3)
        detector = HaarDetector(DetectConfig(cascade="default", min_face=32, neighbours=3))
        assert detector.detect(np.asarray(image, np.uint8)) == []
    if kept:
        assert {path.stem for path in kept} == {alert["id"] for alert in alerts}
        purged = maskwatch("purge", "--all", "--config", config)
        assert purged.end() == 0 and purged.out.startswith("4 snapshots deleted")


@pytest.mark.parametrize("mode", ["blurred", "full"])
def test_a_picture_becomes_smaller_until_the_broker_takes_it(mode: Any, door: Path, tmp_path: Path) -> None:
    image = clip_image(door, 60)
    snapshots = snapshots_of(mode, tmp_path)
    whole = snapshots.take(image, [], Face(Box(0, 0, 9, 9), {"no_mask": 0.9}))
    assert snapshots.fitted(whole, None) == snapshots.fitted(whole, len(whole)) == whole
    for largest in (len(whole) - 1, 20_000, 8_000):
        small = snapshots.fitted(whole, largest)
        assert len(small) <= largest and small.startswith(UNBLURRED) == (mode == "full")
        shape = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR).shape
        assert NARROWEST / 2 < shape[1] <= image.shape[1]
        assert abs(shape[1] / shape[0] - image.shape[1] / image.shape[0]) < 0.02
    assert len(snapshots.fitted(whole, 10)) > 10, "there is no such picture: it is not sent, and health says so"


def test_a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one() -> None:
    with open_folder() as folder:
        (folder / "state" / "snapshots").mkdir(parents=True)
        (folder / "c.toml").write_text(f"[state]\nfolder = '{folder}/state'\n")
        (folder / "state" / "snapshots").chmod(0)
        for more in ("", "--all"):
            done = run_without_rights(
                "import sys; from edge.__main__ import main, parser; parser('purge')",
                "sys.exit(main(sys.argv[1:]))",
                *("purge", "--config", folder / "c.toml", *more.split()),
            )
            assert done.returncode == 1
            assert done.stderr == f"maskwatch: {folder}/state/snapshots: Permission denied\n"
        (folder / "state" / "snapshots").chmod(0o755)


@pytest.mark.parametrize("mode", ["blurred", "full"])
def test_a_snapshot_carries_box_label_and_a_line_of_text(mode: SnapshotMode, door: Path, tmp_path: Path) -> None:
    image = clip_image(door, 60)
    box = sensitive_detector().detect(image)[0]
    jpeg = snapshots_of(mode, tmp_path).take(image, [box], Face(box, {"no_mask": 0.97}))
    assert jpeg.startswith(UNBLURRED) == (mode == "full")
    taken = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.int16)
    red = np.abs(taken - COLOURS["no_mask"]).max(axis=2) < 60
    assert red[box.y0 + 20 : box.y1 - 20, box.x0 - 1 : box.x0 + 3].any(axis=1).mean() > 0.9, "the box"
    assert red[box.y0 - 22 : box.y0 - 2, box.x0 : box.x0 + 100].mean() > 0.4, "the label above it"
    line = taken[-19:, :300]
    assert (line.max(axis=2) < 60).mean() > 0.5 and (line.min(axis=2) > 180).mean() > 0.02, "light text on a dark line"


def test_with_eyes_hidden_the_snapshot_still_shows_the_mask(door: Path, tmp_path: Path) -> None:
    image, face = clip_image(door, 230), Face(Box(0, 0, 9, 9), {"no_mask": 0.9})
    shown = {}
    for part in get_args(BlurredPart):
        jpeg = snapshots_of("blurred", tmp_path, part).take(image, [], face)
        shown[part] = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.int16)
    for one in YuNetDetector(DetectConfig(min_face=24)).detections(image):
        for x, y in one.landmarks[3:].astype(int):  # the corners of the mouth
            before = image[y : y + 12, x - 6 : x + 6].astype(np.int16)
            after = {
                part: np.abs(picture[y : y + 12, x - 6 : x + 6] - before).mean() for part, picture in shown.items()
            }
            assert after["eyes"] < 6 < after["face"]
