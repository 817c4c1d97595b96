"""The process that checks images: decodes them, finds the faces and draws them in. ``checker`` starts and ends it.

An image is bytes of a stranger, and its decoder is C code. Here both are bounded: by memory, by processor time, and by
the parent's clock. If a decoder crashes, hangs or takes all memory, this process ends, and the door is watched on.

The socket whose descriptor is the first argument carries the configuration to this process, then the descriptor of one
image after the other. Each answer is a JSON text and a JPEG, which may be empty, behind their two lengths.
"""

import ctypes
import json
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..camera import pictures
from ..config.schema import Config
from ..errors import EdgeError
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector
from ..faces.drawing import annotate
from ..faces.face import Face
from ..faces.geometry import Box
from ..faces.opening import STILL_MIN_FACE, open_classifier, open_detector
from ..faces.tiles import detect_in_tiles

LONGEST_SIDE = 2000
"""Pixels of the longer side that is searched; a JPEG of 4000 is decoded at its half. The page sends as many. To search
4000 x 3000 pixels took 290 MB and 5 s."""
JPEG_QUALITY = 85
MEMORY = 144 * 2**20
"""Bytes that an image may take beyond what the process has when its detector is open."""
PROCESSOR_S = 20
"""Seconds of processor time for one image."""
PRINTED_BYTES = 2**20
NICENESS = 10
LENGTHS = struct.Struct(">II")
PR_SET_PDEATHSIG = 1


def main(descriptor: int, parent: int) -> None:
    """Checks images until the parent closes the socket."""
    restrict(parent)
    connection = socket.socket(fileno=descriptor)
    with connection, connection.makefile("rb") as stream:
        config: Config = pickle.loads(stream.read(*struct.unpack(">I", stream.read(4))))
        try:
            detector, classifier = open_detector(config.detect), open_classifier(config)
        except EdgeError as error:
            return answer(connection, {"problem": str(error)})
        answer(connection, {})
        limit_memory()
        while image := receive(connection):
            limit_processor()
            answer(connection, *check(image, detector, classifier))


def restrict(parent: int) -> None:
    """Gives way to the loop, ends with the parent and by nobody else, and leaves no image behind in a core dump."""
    for number in (signal.SIGTERM, signal.SIGINT):  # systemd sends them to every process of a service
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")  # the kernel ends this process, not the monitor
    with suppress(OSError):
        os.nice(NICENESS)  # the sandbox of the service may forbid it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (PRINTED_BYTES, PRINTED_BYTES))


def limit_memory() -> None:
    """Lets the process take ``MEMORY`` more. Files and libraries do not count, so this is the same on every machine."""
    lines = Path("/proc/self/status").read_text("utf-8", "replace").splitlines()
    has = int(next(line for line in lines if line.startswith("VmData:")).split()[1]) * 1024
    with suppress(ValueError, OSError):  # a lower limit holds already
        resource.setrlimit(resource.RLIMIT_DATA, (has + MEMORY, has + MEMORY))


def limit_processor() -> None:
    """Lets the process use ``PROCESSOR_S`` more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + PROCESSOR_S
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def receive(connection: socket.socket) -> bytes | None:
    """Returns the next image file; None if the parent wants no more."""
    message, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
    if not message or not descriptors:
        return None
    with open(descriptors[0], "rb") as file:
        file.seek(0)
        return file.read()


def check(data: bytes, detector: Detector, classifier: MaskClassifier) -> tuple[dict[str, Any], bytes]:
    """Returns what the page answers, and the image with the faces drawn in. Boxes are in pixels of the whole image."""
    try:
        with pictures.within_memory():
            image, (width, height) = pictures.decode_reduced(data, LONGEST_SIDE)
            faces = detect_in_tiles(image, STILL_MIN_FACE, detector, classifier)
            jpeg = pictures.encode_jpeg(annotate(image, faces), JPEG_QUALITY)
    except pictures.Unreadable as error:
        return {"refused": str(error), "code": error.code, "details": error.details}, b""
    sx, sy = width / image.shape[1], height / image.shape[0]
    found = [Face(scaled(face.box, sx, sy), face.probabilities).as_json() for face in faces]
    return {"width": width, "height": height, "faces": found}, jpeg


def scaled(box: Box, sx: float, sy: float) -> Box:
    """Returns a box in pixels of the image that is not reduced."""
    return Box(round(box.x0 * sx), round(box.y0 * sy), round(box.x1 * sx), round(box.y1 * sy))


def answer(connection: socket.socket, told: dict[str, Any], jpeg: bytes = b"") -> None:
    """Sends an answer."""
    text = json.dumps(told).encode()
    connection.sendall(LENGTHS.pack(len(text), len(jpeg)) + text + jpeg)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
