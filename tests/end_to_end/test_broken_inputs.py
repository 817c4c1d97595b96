"""Damaged files and invalid options: one clear message, the right exit code, and no traceback."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest
from support import DOOR, ROOT, until

BROKEN = [
    ("unknown-key", "[decide]\ntreshold = 0.9\n", ["decide.treshold", "did you mean threshold?"], 2),
    ("unknown-section", "[mqqt]\nhost = 'x'\n", ["[mqqt]", "did you mean mqtt?"], 2),
    ("two-faults", "[decide]\nframes = 0\n[mqtt]\nport = 'x'\n", ["decide.frames = 0", "1 to 100", "mqtt.port"], 2),
    ("no-toml", "[decide\n", ["is not TOML"], 2),
    ("no-model", "[classify]\nmodel = '/nowhere/mask.tflite'\n", ["model /nowhere/mask.tflite does not exist"], 2),
    ("no-cascade", "[detect]\ncascade = 'frontal'\n", ["no cascade 'frontal'", "alt2"], 2),
    ("bad-device", "[device]\nname = 'Front Door'\n", ["device.name", "a-z 0-9 _ -"], 2),
    (
        "no-password",
        "[mqtt]\nhost='x'\nuser='u'\npassword_file='/nowhere/p'\n",
        ["/nowhere/p", "the file cannot be read"],
        2,
    ),
]


@pytest.mark.parametrize(("text", "parts", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_an_invalid_configuration(text: str, parts: list[str], code: int, maskwatch: Any, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(text)
    run = maskwatch("run", "--source", "demo", "--config", tmp_path / "c.toml")
    assert run.end() == code
    assert all(part in run.err for part in parts), run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("source", "message", "code"),
    [
        ("nowhere.mp4", "is not a file, folder or camera", 2),
        ("usb:one", "usb: takes a number", 2),
        ("usb:99", "/dev/video99 cannot be opened", 1),
        ("rtsp://127.0.0.1:9/x", "does not answer with a video stream", 1),
    ],
)
def test_a_source_that_cannot_be_opened(source: str, message: str, code: int, maskwatch: Any) -> None:
    run = maskwatch("run", "--source", source, "--print")
    assert run.end() == code
    assert message in run.err and "Traceback" not in run.err


def test_a_truncated_video(maskwatch: Any, tmp_path: Path, door: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(door.read_bytes()[:20_000])
    run = maskwatch("run", "--source", cut, "--print")
    assert run.end() == 1
    assert "cut.mp4" in run.err and "complete" in run.err and "Traceback" not in run.err


def damaged(model: Path, folder: Path, change: str) -> Path:
    content, card = bytearray(model.read_bytes()), json.loads(model.with_suffix(".json").read_text())
    if change == "one-byte":
        content[len(content) // 2] ^= 1
    elif change == "truncated":
        content = content[: len(content) // 2]
        card["sha256"] = hashlib.sha256(content).hexdigest()
    elif change == "wrong-shape":
        card["input"]["size"] = 150
    else:
        card["labels"] = ["mask", "no_mask"]
    (folder / "m.tflite").write_bytes(content)
    (folder / "m.json").write_text(json.dumps(card))
    return folder / "m.tflite"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("one-byte", "is not the file its card describes"),
        ("truncated", "cannot be used: a "),
        ("wrong-shape", "its card says (150, 150, 3)"),
        ("wrong-labels", "outputs, its card 2 labels"),
    ],
)
def test_a_damaged_model(change: str, message: str, maskwatch: Any, tmp_path: Path, model: Path) -> None:
    run = maskwatch("run", "--source", "demo", "--print", "--model", damaged(model, tmp_path, change))
    assert run.end() == 2
    assert message in run.err and "m.tflite" in run.err and "Traceback" not in run.err


def test_a_damaged_cascade(maskwatch: Any, tmp_path: Path) -> None:
    whole = Path(cv2.data.haarcascades) / "haarcascade_frontalface_alt2.xml"
    (tmp_path / "cut.xml").write_bytes(whole.read_bytes()[:50_000])
    (tmp_path / "c.toml").write_text(f"[detect]\ncascade = '{tmp_path / 'cut.xml'}'\n")
    run = maskwatch("run", "--source", "demo", "--print", "--config", tmp_path / "c.toml")
    assert run.end() == 2
    assert "cut.xml is damaged" in run.err and "Traceback" not in run.err


def test_a_closed_pipe_gives_no_traceback() -> None:
    shell = f"{sys.executable} -m edge run --source demo --print | head -n 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=100, cwd=ROOT)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("option", ["detect.cascade", "detect.network", "classify.model", "mqtt.password_file"])
def test_a_path_in_the_configuration_that_is_no_file(option: str, maskwatch: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "folder.xml").mkdir()
    (tmp_path / "loop.xml").symlink_to("loop.xml")
    section, key = option.split(".")
    more = {"detect.network": "detector = 'yunet'", "mqtt.password_file": "host = 'x'\nuser = 'u'"}.get(option, "")
    paths = {
        tmp_path / "pipe.xml": "it is a named pipe",
        tmp_path / "folder.xml": "it is a folder",
        tmp_path / "loop.xml": "Too many levels of symbolic links",
        "/dev/zero.xml/x.xml": "",
        "/tmp/" + 300 * "x" + ".xml": "File name too long",
        "/tmp/" + 2100 * "x/" + "x.xml": "File name too long",
    }
    runs = []
    for number, path in enumerate(paths):
        (tmp_path / f"{number}.toml").write_text(f"[{section}]\n{key} = '{path}'\n{more}\n")
        runs.append(maskwatch("run", "--source", "demo", "--config", tmp_path / f"{number}.toml"))
    for run, (path, reason) in zip(runs, paths.items(), strict=True):
        assert run.end() == 2
        assert reason in run.err and str(path) in run.err and "Traceback" not in run.err
        assert sum(line.startswith("maskwatch: ") for line in run.err.splitlines()) == 1


def test_a_state_folder_that_cannot_be(maskwatch: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    folders = {tmp_path / "pipe": "is a file; name a folder", "/tmp/" + 300 * "x": "File name too long"}
    for number, (folder, reason) in enumerate(folders.items()):
        (tmp_path / "c.toml").write_text(f"[state]\nfolder = '{folder}'\n")
        run = maskwatch("run", "--source", "demo", "--config", tmp_path / "c.toml", "--broker", "127.0.0.1:9")
        assert run.end() == (1 if number else 2)
        assert reason in run.err and "Traceback" not in run.err


def test_commands_on_a_state_folder_that_cannot_be(maskwatch: Any, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[state]\nfolder = '/tmp/" + 300 * "x" + "'\n")
    for command in ("purge", "outbox", "doctor"):
        run = maskwatch(
            command, "--config", tmp_path / "c.toml", *(["--source", "demo"] if command == "doctor" else [])
        )
        assert run.end() == 1
        assert "File name too long" in run.out + run.err
        assert "Traceback" not in run.err and "unexpected" not in run.out


def test_a_video_whose_name_is_not_utf8_is_refused_before_opencv_sees_it(maskwatch: Any, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    path.write_bytes(DOOR.read_bytes())
    for command in (("run", "--print", "--source", path), ("bench", path)):
        run = maskwatch(*command)
        assert run.end() == 1
        assert r"caf\xe9.mp4 cannot be read: its name is not UTF-8, and OpenCV takes no other; rename it" in run.err
        assert "Traceback" not in run.err


@pytest.mark.parametrize("buffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_standard_output_that_is_full_gives_no_traceback(buffered: str, tmp_path: Path, door: Path) -> None:
    picture = str(door.with_name("door.jpg"))
    environ = {**os.environ, "PYTHONUNBUFFERED": buffered, "XDG_STATE_HOME": str(tmp_path)}
    run = ["run", "--source", "demo", "--print"]
    for words in (run, ["image", picture], ["outbox"], ["--version"], ["run", "--help"]):
        with open("/dev/full", "wb") as full:
            command = [sys.executable, "-m", "edge", *words]
            done = subprocess.run(command, stdout=full, stderr=-1, text=True, timeout=100, cwd=ROOT, env=environ)
        assert done.returncode == 1
        assert "maskwatch: standard output cannot be written: No space left on device" in done.stderr
        assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_alerts_go_to_the_broker_when_they_cannot_be_printed(mosquitto: Any, subscriber: Any, tmp_path: Path) -> None:
    broker = mosquitto()
    broker.start()
    seen = subscriber(broker.port)
    command = [
        sys.executable,
        "-m",
        "edge",
        "run",
        "--source",
        "demo",
        "--print",
        "--broker",
        f"127.0.0.1:{broker.port}",
    ]
    environ = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=-1, text=True, timeout=100, cwd=ROOT, env=environ)
    assert len(seen.wait_for("maskwatch/entrance/alert", 4)) == 4
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert done.stderr.count("alerts are printed no longer: standard output cannot be written") == 1


@pytest.mark.parametrize("library", ["_multiarray_umath", "cv2"])
@pytest.mark.parametrize(
    ("words", "text", "code", "late"),
    [
        (("-m", "edge", "image", *(30 * [str(DOOR.with_name("door.jpg"))])), "maskwatch: interrupted", 1, 1),
        (("-m", "edge", "run", "--source", "demo", "--realtime", "--print"), "maskwatch: interrupted", 1, 0),
        (("-m", "convert", "prepare", "none.tsv", "--out", "none"), "stopped", 130, 2),
    ],
    ids=["image", "run", "convert"],
)
def test_ctrl_c_during_imports_gives_no_traceback(
    words: tuple[str, ...], text: str, code: int, late: int, library: str, maskwatch: Any
) -> None:
    """On a busy machine the signal may come after the imports; the exit code is then ``late``."""
    run = maskwatch(program=words)
    maps = Path(f"/proc/{run.popen.pid}/maps")
    until(lambda: library in maps.read_text() or run.popen.poll() is not None, f"{library} is imported", pause=0.001)
    ended = run.end(signal.SIGINT)
    assert "Traceback" not in run.err
    assert ended == late or ended == code and text in run.err
