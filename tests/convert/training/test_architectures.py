"""convert.training.architectures: the two architectures and the count of multiply-adds."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")

import keras  # noqa: E402
from keras import layers  # noqa: E402

from convert.training.architectures import SIZES, build, multiply_adds  # noqa: E402

both = pytest.mark.parametrize("arch", ["lean", "article"])


def of_type(model: keras.Model, kind: type) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if type(layer) is kind]


@both
@pytest.mark.parametrize("classes", [2, 3, 4])
def test_input_and_output_shapes(arch: str, classes: int) -> None:
    model = build(arch, classes)
    outputs = 1 if arch == "article" and classes == 2 else classes
    assert model.input_shape == (None, SIZES[arch], SIZES[arch], 3)
    assert model.output_shape == (None, outputs)


def test_default_input_sizes() -> None:
    assert SIZES == {"lean": 96, "article": 150}


@pytest.mark.parametrize(
    ("arch", "classes", "activation"),
    [("article", 2, "sigmoid"), ("article", 3, "softmax"), ("lean", 2, "softmax"), ("lean", 3, "softmax")],
)
def test_last_activation(arch: str, classes: int, activation: str) -> None:
    assert build(arch, classes).layers[-1].activation.__name__ == activation


@both
def test_raw_pixels_give_probabilities(arch: str) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, SIZES[arch], SIZES[arch], 3)).astype(np.float32)
    rows = build(arch, 3).predict_on_batch(pictures)
    assert rows.shape == (2, 3)
    assert np.allclose(rows.sum(axis=1), 1, atol=1e-5) and (rows >= 0).all()


@pytest.mark.parametrize(("arch", "low", "high"), [("lean", -1, 1), ("article", 0, 1)])
def test_pixels_are_rescaled_inside(arch: str, low: float, high: float) -> None:
    (rescaling,) = of_type(build(arch, 2), layers.Rescaling)
    assert np.allclose(rescaling(np.array([0.0, 255.0], np.float32)), [low, high])


def test_article_has_the_articles_layers() -> None:
    model = build("article", 2)
    convolutions, dense = of_type(model, layers.Conv2D), of_type(model, layers.Dense)
    assert [layer.filters for layer in convolutions] == [32, 64, 128, 128]
    assert all(layer.kernel_size == (3, 3) and layer.activation.__name__ == "relu" for layer in convolutions)
    assert [layer.pool_size for layer in of_type(model, layers.MaxPooling2D)] == [(2, 2)] * 4
    assert [layer.units for layer in dense] == [512, 1]
    assert dense[0].activation.__name__ == "relu"
    assert [layer.rate for layer in of_type(model, layers.Dropout)] == [0.5]
    assert model.count_params() == 3_453_121  # 6,272 x 512 of them in the first dense layer


def test_lean_is_at_least_five_times_cheaper() -> None:
    lean, article = build("lean", 3), build("article", 3)
    assert multiply_adds(lean) * 5 <= multiply_adds(article)
    assert lean.count_params() * 5 <= article.count_params()


def test_multiply_adds_of_a_tiny_model_equal_the_count_by_hand() -> None:
    inputs = layers.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(inputs)  # 4*4 places, 3*3*3*4 weights
    x = layers.DepthwiseConv2D(3, padding="valid")(x)  # 2*2 places, 3*3*4 weights
    x = layers.BatchNormalization()(x)
    x = layers.Conv2D(5, 1)(x)  # 2*2 places, 4*5 weights
    x = layers.Flatten()(x)
    model = keras.Model(inputs, layers.Dense(7)(x))  # 20*7 weights
    assert multiply_adds(model) == 4 * 4 * 108 + 2 * 2 * 36 + 2 * 2 * 20 + 140


@both
def test_builds_are_independent(arch: str) -> None:
    one, two = build(arch, 2), build(arch, 2)
    assert one is not two
    assert not np.array_equal(one.layers[-1].kernel, two.layers[-1].kernel)


def test_an_unknown_architecture_is_an_error() -> None:
    with pytest.raises(KeyError, match="resnet"):
        build("resnet", 2)


@pytest.mark.parametrize(("size", "width"), [(48, 1.0), (112, 1.0), (96, 0.5), (96, 1.5)])
def test_lean_comes_in_other_sizes_and_widths(size: int, width: float) -> None:
    model, default = build("lean", 4, size, width), build("lean", 4)
    assert model.input_shape == (None, size, size, 3) and model.output_shape == (None, 4)
    assert (multiply_adds(model) > multiply_adds(default)) == (size > 96 or width > 1)
