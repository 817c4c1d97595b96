"""Lets models, cascades and networks that maskwatch does not know be tried in a process of their own (trial.py) first.

Whoever writes such a file decides what its parser does: a damaged one can crash it, or make it work for ever. At a
door that would end the monitor, and systemd would start it again into the same. So a file is loaded here only after a
process with limits of memory and time has checked its structure, loaded it and run it. Files that come with maskwatch
and OpenCV are known by their SHA-256, and are loaded at once.
"""

import hashlib
import json
import signal
import subprocess
import threading
from typing import Literal

from .. import children
from ..errors import FileError, ModelError

Kind = Literal["model", "cascade", "network", "rival"]
KNOWN = frozenset(
    (
        "ebade33eed7dc00b0448b88245bde2f757432644a2ab62d3d3d8b772b1888d2b",  # models/mask.tflite
        "288a429a73ec9741fd688a0c7026602d37a83471939eb6108acdf9ed384a0813",  # models/article.tflite
        "8e3b2ec5b9fe5bc505046f2f3b2883cbec1131462b808a09c477b0490fbbdc71",  # models/lean-k12.tflite
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",  # face_detection_yunet_2023mar.onnx
        "0f7d4527844eb514d4a4948e822da90fbb16a34a0bbbbc6adc6498747a5aafb0",  # OpenCV's frontal cascades: default
        "6281df13459cc218ff047d02b2ae3859b12ff14a93ffe8952f7b33fad7b9697b",  # alt
        "7b0c967d9abbdfbde025eb9c786947d151b6426040d07a8f9562ed8fd90724b4",  # alt2
        "0e5ee47ecc13269d54dd7a55f8b53752167c52587720877732388fb078a0480a",  # alt_tree
    )
)
"""SHA-256 of the files that come with maskwatch and OpenCV. A test compares it with the files."""
PROVED: set[tuple[Kind, str]] = set()
"""Kind and SHA-256 of the files that this process has had tried, or its parent."""
WAIT_S = 50.0
"""Seconds for all of a trial: it takes 1 s on x86. The child's own limits are shorter; this is for a machine that is so
busy that they are not reached. systemd gives a start 60 s."""

_running: set["subprocess.Popen[bytes]"] = set()
_lock = threading.Lock()


def prove(kind: Kind, content: bytes) -> None:
    """Returns if a file may be loaded in this process. For any thread.

    Raises ``ModelError`` with the reason, which the caller completes with the file's name, and ``FileError`` if the
    file cannot be tried now.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest not in KNOWN and (kind, digest) not in PROVED:
        _try(kind, content)
        PROVED.add((kind, digest))


def stop() -> None:
    """Ends the trials of all threads, so that nobody waits for them. They raise ``FileError``."""
    with _lock:
        for process in _running:
            process.kill()


def _try(kind: Kind, content: bytes) -> None:
    printed = b""
    try:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with children.start("edge.faces.trial", kind, **pipes) as process:
            try:
                with _lock:
                    _running.add(process)
                printed = process.communicate(content, WAIT_S)[0]
            finally:
                process.kill()
                with _lock:
                    _running.discard(process)
    except OSError as error:
        raise FileError(f"it cannot be tried ({error.strerror}); end other programs") from error
    except subprocess.TimeoutExpired:
        raise FileError(f"its trial has not ended within {WAIT_S:.0f} s; end other programs") from None
    _judge(process.returncode, printed)


def _judge(code: int, printed: bytes) -> None:
    """Raises what the end of a trial means."""
    if code == 0:
        if refused := json.loads(printed)["refused"]:
            raise ModelError(refused)
    elif code in (-signal.SIGXCPU, -signal.SIGALRM):
        raise ModelError("it takes too much time to load and to run once")
    elif code == -signal.SIGKILL:  # by ``stop``, or by the kernel when memory is short
        raise FileError("its trial was ended, because maskwatch stops or memory is short")
    elif code < 0:
        raise ModelError(f"loading it or running it once crashes ({signal.Signals(-code).name})")
    else:
        raise FileError("the process that tries it does not start; install maskwatch again")
