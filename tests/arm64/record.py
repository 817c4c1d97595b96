"""Runs ``maskwatch`` with the given arguments, and prints as JSON lines what it detects in each image.

The first line names the machine and the versions. One line per classified image follows; the alerts of ``--print``
stand between these lines.
"""

import json
import platform
import sys
import zlib
from typing import Any

import cv2
import numpy

from edge.__main__ import main
from edge.faces.classifier import MaskClassifier

classify = MaskClassifier.classify
runtimes: list[str] = []


def classify_and_print(self: MaskClassifier, image: Any, boxes: Any) -> Any:
    faces = classify(self, image, boxes)
    if not runtimes:
        runtimes.append(self.network.runtime)
        versions = {"python": platform.python_version(), "numpy": numpy.__version__, "opencv": cv2.__version__}
        print(json.dumps({"machine": platform.machine(), "runtime": runtimes[0], **versions}), flush=True)
    record = {
        "pixels": zlib.crc32(numpy.ascontiguousarray(image)),
        "mean": image.mean(axis=(0, 1)).tolist(),
        "boxes": [list(box) for box in boxes],
        "faces": [{"box": list(face.box), "probabilities": face.probabilities} for face in faces],
    }
    print(json.dumps(record), flush=True)
    return faces


MaskClassifier.classify = classify_and_print  # type: ignore[method-assign]
sys.exit(main(sys.argv[1:]))
