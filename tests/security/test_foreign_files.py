"""Attacks with files that the device loads or decodes: each is refused in a sentence, or does no harm."""

import hashlib
import json
import random
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
from support import ROOT
from support.picture_files import encoded

from edge.camera import pictures
from edge.config.schema import DetectConfig
from edge.errors import EdgeError, ModelError, SourceError
from edge.faces.cascade_file import check_cascade
from edge.faces.flatbuffer import Damaged
from edge.faces.haar import HaarDetector
from edge.faces.onnx_file import check_network
from edge.faces.proving import KNOWN
from edge.faces.tflite import TfliteNetwork
from edge.faces.tflite_file import check_model
from edge.faces.yunet import YuNetDetector

pytestmark = pytest.mark.security
CASCADE = Path(cv2.data.haarcascades) / "haarcascade_frontalface_alt2.xml"
NETWORK = ROOT / "edge" / "faces" / "face_detection_yunet_2023mar.onnx"
NESTED = b"<?xml version='1.0'?><opencv_storage>" + 100_000 * b"<a>" + 100_000 * b"</a>" + b"</opencv_storage>"
MUTANTS = 200
LOADED = 12
"""Mutants of each kind that are loaded too, of those whose structure is whole; each takes 0.3 s."""


def mutant(content: bytes, seed: int) -> bytes:
    """Changes bytes of a file, cuts it off, or repeats a part of it."""
    rng, changed = random.Random(seed), bytearray(content)
    for _ in range(rng.choice((1, 1, 4, 30))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    if rng.random() < 0.1:
        del changed[rng.randrange(len(changed)) :]
    if rng.random() < 0.1:
        at = rng.randrange(len(changed))
        changed[at:at] = changed[at : at + rng.randrange(500)]
    return bytes(changed)


def digit_mutant(content: bytes, seed: int) -> bytes:
    """Changes digits only, so that the file is still XML."""
    rng, changed = random.Random(seed), bytearray(content)
    places = [rng.randrange(1500, len(changed)) for _ in range(200)]
    for place in [place for place in places if chr(changed[place]).isdigit()][: rng.choice((1, 5, 20))]:
        changed[place] = rng.choice(b"0123456789-")
    return bytes(changed)


def carded(model: Path, content: bytes, folder: Path) -> Path:
    """Writes a model with a card that matches it."""
    path = folder / "m.tflite"
    path.write_bytes(content)
    card = json.loads(model.with_suffix(".json").read_text("utf-8"))
    path.with_suffix(".json").write_text(json.dumps(card | {"sha256": hashlib.sha256(content).hexdigest()}))
    return path


def whole(mutants: list[bytes], check: Callable[[bytes], None]) -> list[bytes]:
    """Returns the mutants whose structure is whole; every other one is refused with a reason."""
    kept = []
    for content in mutants:
        try:
            check(content)
            kept.append(content)
        except Damaged as error:
            assert str(error)
    return kept


def load_all(load: Callable[[bytes], Any], mutants: list[bytes]) -> None:
    """Loads and runs files; each is refused or runs, and this process goes on."""
    for content in mutants[:LOADED]:
        try:
            load(content)
        except EdgeError as error:
            assert str(error)


def test_the_shipped_files_are_known() -> None:
    names = ("default", "alt", "alt2", "alt_tree")
    cascades = [CASCADE.with_name(f"haarcascade_frontalface_{name}.xml") for name in names]
    files = [*(ROOT / "models").glob("*.tflite"), NETWORK, *cascades]
    assert {hashlib.sha256(file.read_bytes()).hexdigest() for file in files} == KNOWN


def test_mutated_models_with_a_matching_card(model: Path, tmp_path: Path) -> None:
    def load(content: bytes) -> None:
        network = TfliteNetwork(carded(model, content, tmp_path), threads=1)
        for count in (1, 3):
            shape = (count, network.card.size, network.card.size, 3)
            assert np.isfinite(network.probabilities(np.full(shape, 90, np.uint8))).all()

    kept = whole([mutant(model.read_bytes(), seed) for seed in range(MUTANTS)], check_model)
    assert 0 < len(kept) < MUTANTS  # what changes only weights cannot be told from another model
    load_all(load, kept)


def test_mutated_cascades(tmp_path: Path) -> None:
    path, picture = tmp_path / "c.xml", np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)

    def load(content: bytes) -> None:
        path.write_bytes(content)
        HaarDetector(DetectConfig(cascade=str(path))).detect(picture)

    content = CASCADE.read_bytes()
    mutants = [mutant(content, seed) for seed in range(20)]
    load_all(load, whole(mutants + [digit_mutant(content, seed) for seed in range(MUTANTS // 4)], check_cascade))


def test_mutated_networks(tmp_path: Path) -> None:
    path, picture = tmp_path / "n.onnx", np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)

    def load(content: bytes) -> None:
        path.write_bytes(content)
        YuNetDetector(DetectConfig(network=str(path))).detect(picture)

    load_all(load, whole([mutant(NETWORK.read_bytes(), seed) for seed in range(MUTANTS)], check_network))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(NESTED, id="nested 100,000 deep"),
        pytest.param(CASCADE.read_bytes()[:-20], id="cut off"),
        pytest.param(b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><opencv_storage/>", id="entities"),
    ],
)
def test_a_hostile_cascade_ends_the_monitor_with_a_sentence(content: bytes, maskwatch: Any, tmp_path: Path) -> None:
    (tmp_path / "c.xml").write_bytes(content)
    (tmp_path / "c.toml").write_text(f"[detect]\ncascade = '{tmp_path / 'c.xml'}'\n")
    run = maskwatch("run", "--source", "demo", "--print", "--config", tmp_path / "c.toml")
    assert run.end() == 2
    assert "c.xml is damaged or not a cascade: " in run.err and "Traceback" not in run.err


def test_a_branch_that_leads_back_is_refused(tmp_path: Path) -> None:
    content = re.sub(rb"(<internalNodes>\s*(\S+\s+){4})\S+", rb"\g<1>1", CASCADE.read_bytes(), count=1)
    (tmp_path / "c.xml").write_bytes(content)
    with pytest.raises(ModelError, match="a branch of a tree leads back"):
        HaarDetector(DetectConfig(cascade=str(tmp_path / "c.xml")))


def test_stopping_during_a_trial_leaves_no_process_behind(maskwatch: Any, tmp_path: Path) -> None:
    (tmp_path / "c.xml").write_bytes(CASCADE.read_bytes() + b"\n")
    (tmp_path / "c.toml").write_text(f"[detect]\ncascade = '{tmp_path / 'c.xml'}'\n")
    run = maskwatch("run", "--source", "demo", "--print", "--config", tmp_path / "c.toml")
    monitor, children = psutil.Process(run.popen.pid), list[psutil.Process]()
    end = time.monotonic() + 60
    while not children and time.monotonic() < end and run.popen.poll() is None:
        children = [child for child in monitor.children() if "edge.faces.trial" in child.cmdline()]
    assert children
    run.popen.send_signal(signal.SIGTERM)
    run.popen.wait(5)
    _, alive = psutil.wait_procs(children, 5)
    assert not alive


def scans_behind_segments() -> bytes:
    """Makes a JPEG of empty scans that stand behind more segments than are looked at."""
    picture = encoded("JPEG", progressive=True)
    scan = bytes.fromhex("ffda000801010000003f00")
    return picture[:2] + 5000 * b"\xff\xfe\x00\x02" + picture[2:-2] + 20_000 * scan + picture[-2:]


def late_scans() -> bytes:
    """The same, where the last segment that is looked at is a whole scan."""
    picture = encoded("JPEG")
    scan = picture.index(b"\xff\xda")
    before = picture[2:scan].count(b"\xff") + 1
    filled = picture[:2] + (5000 - before) * b"\xff\xfe\x00\x02" + picture[2:-2]
    return filled + 20_000 * bytes.fromhex("ffda000801010000003f00") + picture[-2:]


@pytest.mark.parametrize("make", [scans_behind_segments, late_scans])
def test_scans_behind_many_segments_are_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(SourceError, match="scans|damaged"):
        pictures.decode(make())


def test_mutated_pictures_are_refused_or_decoded() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "BMP"):
        content = encoded(kind)
        for seed in range(MUTANTS // 4):
            try:
                assert pictures.decode(mutant(content, seed)).size <= 3 * pictures.MAX_PIXELS
            except SourceError as error:
                assert str(error)
