"""Builds a single-shot face-mask detector whose cost ``maskwatch bench --compare`` measures. It is not trained.

The layout is AIZOOTech's FaceMaskDetection (2020): 260x260, eight convolutions with batch norm and pooling, five heads
on maps of 33, 17, 9, 5 and 3 cells with four anchors per cell, about one million weights. The time per picture does not
depend on the weights, so random weights are enough.
"""

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.addresses import printable
from edge.files import replacing

from ..errors import DataError

SIZE = 260
BODY = (32, 64, 64, 64, 128, 128, 64, 64)
"""Channels of each convolution. After all but the last two, pooling halves the map."""
HEADS = (3, 4, 5, 6, 7)
"""Indices of the convolutions whose output has a head."""
ANCHORS, CLASSES, HEAD = 4, 2, 64


def single_shot() -> "keras.Model":
    """Builds the network: ``(n, 260, 260, 3)``, 0..1, to boxes ``(n, 5972, 4)`` and scores ``(n, 5972, 2)``."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    x = inputs = layers.Input((SIZE, SIZE, 3), name="pixels")
    boxes, scores = [], []
    for number, channels in enumerate(BODY):
        x = _convolution(x, channels, "valid" if number == len(BODY) - 1 else "same")
        if number in HEADS:
            boxes.append(_head(x, 4))
            scores.append(_head(x, CLASSES))
        if number < len(BODY) - 2:
            x = layers.MaxPooling2D(2, padding="same")(x)
    outputs = [layers.Concatenate(axis=1)(boxes), layers.Activation("sigmoid")(layers.Concatenate(axis=1)(scores))]
    return keras.Model(inputs, outputs, name="single_shot")


def _convolution(x: Any, channels: int, padding: str) -> Any:
    from keras import layers

    return layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(channels, 3, padding=padding)(x)))


def _head(x: Any, values: int) -> Any:
    from keras import layers

    out = layers.Conv2D(ANCHORS * values, 3, padding="same")(_convolution(x, HEAD, "same"))
    return layers.Reshape((-1, values))(out)


def write_single_shot(path: Path) -> int:
    """Writes the network as float TFLite, and returns its number of weights.

    Raises ``DataError`` if the file cannot be written.
    """
    import tensorflow as tf

    network = single_shot()
    with redirect_stdout(io.StringIO()):  # Keras prints every variable that it exports
        content = tf.lite.TFLiteConverter.from_keras_model(network).convert()
    try:
        with replacing(path) as new:
            new.write_bytes(content)
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be written: {error.strerror}") from error
    return int(network.count_params())


if TYPE_CHECKING:
    import keras
