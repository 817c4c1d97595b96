"""The process that checks images: decodes them, finds the faces and draws them in. ``checker`` starts and ends it.

An image is bytes of a stranger, and its decoder is C code. Here both are bounded: by memory, by processor time, and by
the parent's clock. If a decoder crashes, hangs or takes all memory, this process ends, and the door is watched on.

The socket whose descriptor is the first argument carries the configuration to this process, with what has been proved
already, then the descriptor of one image after the other. Each answer is a JSON text and a JPEG, which may be empty,
behind their two lengths.
"""

import json
import pickle
import socket
import struct
import sys
from typing import Any

from ..camera import pictures
from ..children import limit_memory, limit_processor, restrict
from ..errors import EdgeError
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector
from ..faces.drawing import annotate
from ..faces.face import Face
from ..faces.geometry import Box
from ..faces.opening import STILL_MIN_FACE, open_classifier, open_detector
from ..faces.proving import PROVED
from ..faces.tiles import detect_in_tiles

LONGEST_SIDE = 2000
"""Pixels of the longer side that is searched; a JPEG of 4000 is decoded at its half. The page sends as many. To search
4000 x 3000 pixels took 290 MB and 5 s."""
JPEG_QUALITY = 85
MEMORY = 144 * 2**20
"""Bytes that an image may take beyond what the process has when its detector is open."""
PROCESSOR_S = 20
"""Seconds of processor time for one image."""
LENGTHS = struct.Struct(">II")


def main(descriptor: int, parent: int) -> None:
    """Checks images until the parent closes the socket."""
    restrict(parent)
    connection = socket.socket(fileno=descriptor)
    with connection, connection.makefile("rb") as stream:
        config, proved = pickle.loads(stream.read(*struct.unpack(">I", stream.read(4))))
        PROVED.update(proved)
        try:
            detector, classifier = open_detector(config.detect), open_classifier(config)
        except EdgeError as error:
            return answer(connection, {"problem": str(error)})
        answer(connection, {})
        limit_memory(MEMORY)
        while image := receive(connection):
            limit_processor(PROCESSOR_S)
            answer(connection, *check(image, detector, classifier))


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
