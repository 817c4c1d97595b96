"""The process that tries a file: checks its structure, loads it, and runs it on blank and on random pictures.

``proving`` starts it, with the file on standard input. It prints why the file is refused, or an empty text, as JSON.
"""

import json
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np

from ..children import limit_memory, limit_processor, restrict
from ..errors import EdgeError
from . import cascade_file, haar, onnx_file, tflite, tflite_file, yunet
from .flatbuffer import Damaged

MEMORY = 256 * 2**20
"""Bytes that a file may take to be loaded and run. The shipped ones take 10 to 60 MB."""
PROCESSOR_S, WALL_S = 10, 25
"""Seconds of processor time for all, and seconds of the clock, for a parser that waits for something."""
RUN_S = 2.0
"""Seconds of processor time for one face, or one search of 640x480. The shipped files take 0.001 to 0.05 (x86)."""
FACES = (1, 2, 5, 1)
"""How many faces a model is given at a time. Some models take only one."""
SIZES = ((640, 480), (33, 33), (320, 320), (200, 113), (113, 200), (800, 600))
"""Width and height of the pictures that a detector is given."""


def main(kind: str, parent: int) -> None:
    """Tries the file on standard input."""
    restrict(parent)
    content = sys.stdin.buffer.read()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, WALL_S)
    cv2.setNumThreads(1)
    limit_memory(MEMORY)
    limit_processor(PROCESSOR_S)
    refused = ""
    try:
        {"model": try_model, "cascade": try_cascade, "network": try_network, "rival": try_rival}[kind](content)
    except (Damaged, EdgeError) as error:
        refused = str(error)
    except MemoryError:
        refused = f"it takes more than {MEMORY >> 20} MB of memory"
    except (cv2.error, ArithmeticError, LookupError, RuntimeError, SystemError, TypeError, ValueError) as error:
        refused = f"it cannot be run: {str(error).strip().rpartition(chr(10))[2][:200] or type(error).__name__}"
    print(json.dumps({"refused": refused}), flush=True)


def try_model(content: bytes) -> None:
    """Raises what is wrong with a .tflite model."""
    tflite_file.check_model(content)
    interpreter, _ = tflite.load_unproved(content, threads=1)
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    random = np.random.default_rng(0)
    for count in FACES:
        shape = (count, *(int(side) for side in taken["shape"][1:]))
        interpreter.resize_tensor_input(taken["index"], shape)
        interpreter.allocate_tensors()
        for level in (0.0, 127.0 * random.random(shape)):
            interpreter.set_tensor(taken["index"], np.full(shape, level).astype(taken["dtype"]))
            timed(interpreter.invoke, count)
            output = interpreter.get_tensor(given["index"])
            if output.ndim != 2 or len(output) != count or not np.isfinite(output).all():
                raise Damaged(f"its output for {count} faces is not a row of numbers for each face")


def try_rival(content: bytes) -> None:
    """Raises what is wrong with a .tflite network that is only measured: it may have any operators and outputs."""
    interpreter, _ = tflite.load_unproved(content, threads=1)
    taken = interpreter.get_input_details()[0]
    interpreter.set_tensor(taken["index"], np.zeros(taken["shape"], taken["dtype"]))
    interpreter.invoke()


def try_cascade(content: bytes) -> None:
    """Raises what is wrong with a cascade."""
    cascade_file.check_cascade(content)
    cascade = haar.load_unproved(content)
    for picture in pictures(channels=()):
        timed(partial(cascade.detectMultiScale, picture, 1.1, 3, minSize=(24, 24)))


def try_network(content: bytes) -> None:
    """Raises what is wrong with a network for YuNet."""
    onnx_file.check_network(content)
    network = yunet.load_unproved(content, (0.1, yunet.NMS_IOU_THRESHOLD, yunet.MAX_CANDIDATES))
    for picture in pictures(channels=(3,)):
        network.setInputSize(picture.shape[1::-1])
        timed(partial(network.detect, picture))


def pictures(channels: tuple[int, ...]) -> list[Any]:
    """Makes blank and random pictures of each size."""
    random = np.random.default_rng(0)
    shapes = [(height, width, *channels) for width, height in SIZES]
    blank = [np.zeros(shape, np.uint8) for shape in shapes[:3]]
    return blank + [random.integers(0, 256, shape, np.uint8) for shape in shapes]


def timed(run: Callable[[], object], count: int = 1) -> None:
    """Runs something. Raises ``Damaged`` if it takes too long."""
    began = time.process_time()
    run()
    if (took := (time.process_time() - began) / count) > RUN_S:
        raise Damaged(f"one run takes {took:.1f} s of processor time here, and at most {RUN_S:g} s are allowed")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
