"""Defines the two network architectures in Keras. Both take raw pixels 0..255 and rescale them inside.

Keras is imported inside the functions: reading cards and evaluating .tflite files must not load it.
"""

import math
from typing import TYPE_CHECKING, Any

SIZES = {"lean": 96, "article": 150}
"""Default input width and height of each architecture, in pixels. ``models/README.md`` has the cost and the accuracy of
other sizes."""
LEAN_BLOCKS = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (256, 2), (256, 1))
"""(channels, stride) of each depthwise-separable block."""


def build(arch: str, classes: int, size: int = 0, width: float = 1.0) -> "keras.Model":
    """Builds an untrained network that maps ``(n, size, size, 3)``, 0..255, to ``(n, classes)``.

    The article's network with 2 classes has one sigmoid output, ``(n, 1)``. ``size`` 0 is the architecture's default.
    ``width`` multiplies the channels of lean; the article's network has one width. Raises ``KeyError`` for an unknown
    architecture.
    """
    size = size or SIZES[arch]
    return lean(classes, size, width) if arch == "lean" else article(classes, size)


def article(classes: int, size: int = SIZES["article"]) -> "keras.Model":
    """Builds the article's network: Conv 32-64-128-128 (3x3, relu), each with 2x2 max-pooling, dropout, Dense 512."""
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
    """Builds depthwise-separable blocks with batch norm (Howard et al., "MobileNets", 2017) and skip connections.

    A block has a skip connection if its input and output have the same shape. ReLU6 keeps activations in a range that
    8 bits resolve well. Global pooling replaces the 3.2 M weights of the article's first dense layer.
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
    return max(8, round(count * width / 8) * 8)  # the runtimes' kernels take 8 at a time


def _normed(x: Any) -> Any:
    from keras import layers

    return layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.95)(x))


def multiply_adds(model: "keras.Model") -> int:
    """Returns the multiply-adds per picture: for each convolution and dense layer, its weights times its positions."""
    total = 0
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            total += math.prod(layer.output.shape[1:-1]) * math.prod(kernel.shape)
    return total


if TYPE_CHECKING:
    import keras
