"""Damaged files and invalid options: one clear message, the right exit code, and no traceback."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest
from support import ROOT

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
        ("truncated", "no TFLite runtime can load it"),
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
