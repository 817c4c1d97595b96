"""edge.web.checker: the process that checks images cannot be used, which is no fault of the image."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from support import ROOT, until
from support.browsing import Client, Watched

SMALL = cv2.imencode(".png", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()


def ask(watched: Watched) -> Any:
    return Client(watched.port).ask("/api/check", "POST", SMALL)


def test_a_process_that_is_ended_while_it_starts_is_no_fault_of_the_image(maskwatch: Any, tmp_path: Path) -> None:
    """The kernel ends it first where memory is short."""
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as watched:
        monitor = psutil.Process(watched.process.popen.pid)
        for _ in range(2):
            with ThreadPoolExecutor(1) as executor:
                asked = executor.submit(ask, watched)
                until(monitor.children, "it starts")
                monitor.children()[0].kill()
                answer = asked.result(60)
            assert answer.status == 503 and answer.json["code"] == "problem", answer.text
            assert "ended while it started (signal 9)" in answer.json["error"]
        assert ask(watched).status == 200
        assert "\0" not in watched.process.err and watched.process.err.count("has ended: signal 9") == 1


def test_why_images_cannot_be_checked_is_told(maskwatch: Any, tmp_path: Path) -> None:
    model = tmp_path / "own.tflite"
    for file in (model, model.with_suffix(".json")):
        shutil.copy(ROOT / "models" / f"mask{file.suffix}", file)
    with closing(Watched(maskwatch, tmp_path, f'[classify]\nmodel = "{model}"\n', "--print")) as watched:
        model.unlink()
        answer = ask(watched)
        assert answer.status == 503 and "own.tflite" in answer.json["reason"], answer.text
        assert answer.json["error"].startswith("images cannot be checked: ") and answer.headers["Retry-After"]
