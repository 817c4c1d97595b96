"""The two network architectures, in Keras. Both take raw pixels 0..255 and rescale inside, so nobody has to know.

Keras is imported inside the functions: reading cards and evaluating .tflite files must not load it.
"""

import math
from typing import TYPE_CHECKING, Any

SIZES = {"lean": 96, "article": 150}
"""Input width and height, in pixels, of each architecture unless told otherwise. ``models/README.md`` has what other
sizes cost and gain."""
LEAN_BLOCKS = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (256, 2), (256, 1))
"""(channels, stride) of each depthwise-separable block."""


def build(arch: str, classes: int, size: int = 0, width: float = 1.0) -> "keras.Model":
    """A fresh network ``(n, size, size, 3), 0..255 -> (n, classes)``; article with 2 classes: ``(n, 1)``, sigmoid.

    ``size`` 0 is the architecture's own; ``width`` multiplies the channels of lean (article has one width only).
    """
    size = size or SIZES[arch]
    return lean(classes, size, width) if arch == "lean" else article(classes, size)


def article(classes: int, size: int = SIZES["article"]) -> "keras.Model":
    """The network of the article: Conv 32-64-128-128 (3x3, relu), each with 2x2 max-pooling, dropout, Dense 512."""
    import keras
    from keras import layers

    x = inputs = layers.Input((size, size, 3), name="pixels")
    x = layers.Rescaling(1 / 255)(x)
    for channels in (32, 64, 128, 128):
        x = layers.Conv2D(channels, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(512, activation="relu")(x)
    head = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    return keras.Model(inputs, layers.Dense(head[0], activation=head[1], name="scores")(x), name="article")


def lean(classes: int, size: int = SIZES["lean"], width: float = 1.0) -> "keras.Model":
    """Depthwise-separable blocks with batch norm (Howard et al., "MobileNets", 2017) and skips where shapes agree.

    ReLU6 keeps activations in a range that 8 bits resolve well; global pooling replaces the 3.2 M weights of the
    article's first dense layer.
    """
    import keras
    from keras import layers

    x = inputs = layers.Input((size, size, 3), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = _normed(layers.Conv2D(_channels(16, width), 3, strides=2, padding="same", use_bias=False)(x))
    for channels, stride in LEAN_BLOCKS:
        before = x
        x = _normed(layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x))
        x = _normed(layers.Conv2D(_channels(channels, width), 1, use_bias=False)(x))
        if before.shape == x.shape:
            x = layers.Add()([before, x])
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="scores")(x), name="lean")


def _channels(count: int, width: float) -> int:
    return max(8, round(count * width / 8) * 8)  # in eights: what the runtimes' kernels take at a time


def _normed(x: Any) -> Any:
    from keras import layers

    return layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.95)(x))


def multiply_adds(model: "keras.Model") -> int:
    """Multiply-adds of one picture: of each convolution and dense layer, its weights times the places they serve."""
    total = 0
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            total += math.prod(layer.output.shape[1:-1]) * math.prod(kernel.shape)
    return total


if TYPE_CHECKING:
    import keras
