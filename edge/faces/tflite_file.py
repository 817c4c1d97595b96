"""Checks the structure of a .tflite file before a runtime loads it.

A runtime takes what a file says about itself: which bytes are the weights of a layer, and which layer works on which
tensor. Here everything must fit together, and only layers of image classifiers are allowed: none that repeats others,
calls others, or brings code of its own. The values of weights can be anything, so wrong ones cannot be noticed here.
"""

import math
from dataclasses import dataclass

import numpy as np

from .flatbuffer import Damaged, Table

MAX_BYTES = 64 * 2**20
"""Largest model. The largest of maskwatch has 3.5 MB."""
MAX_TENSORS, MAX_OPERATORS = 5000, 1000
"""MobileNetV2 has about 180 tensors and 65 operators, EfficientNet-B0 600 and 250."""
MAX_VALUES = 2**24
"""Values of one tensor. The largest of maskwatch's models has 3.3 million."""
MAX_ALL_VALUES = 2**26
"""Values of all tensors together."""
WIDTHS = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 9: 1}
"""Bytes per value of the types float32, float16, int32, uint8, int64, bool, int16, int8."""
ZERO_POINTS = {3: (0, 255), 9: (-128, 127), 7: (-(2**15), 2**15 - 1), 2: (-(2**31), 2**31 - 1)}
"""Zero points of the types that are quantized."""
OPERATORS = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE",
    9: "FULLY_CONNECTED", 11: "L2_NORMALIZATION", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU",
    20: "RELU_N1_TO_1", 21: "RELU6", 22: "RESHAPE", 25: "SOFTMAX", 28: "TANH", 34: "PAD", 39: "TRANSPOSE", 40: "MEAN",
    41: "SUB", 42: "DIV", 43: "SQUEEZE", 45: "STRIDED_SLICE", 47: "EXP", 53: "CAST", 54: "PRELU", 55: "MAXIMUM",
    57: "MINIMUM", 59: "NEG", 60: "PADV2", 65: "SLICE", 70: "EXPAND_DIMS", 74: "SUM", 75: "SQRT", 76: "RSQRT",
    77: "SHAPE", 82: "REDUCE_MAX", 83: "PACK", 98: "LEAKY_RELU", 99: "SQUARED_DIFFERENCE", 114: "QUANTIZE",
    117: "HARD_SWISH", 150: "GELU",
}  # fmt: skip
"""Operators by their number in the format."""


def check_model(content: bytes) -> None:
    """Raises ``Damaged`` if a file is not a whole .tflite model of allowed operators."""
    if len(content) > MAX_BYTES:
        raise Damaged(f"it has more than {MAX_BYTES >> 20} MiB")
    if content[4:8] != b"TFL3":
        raise Damaged("it is not a .tflite file")
    model = Table(content, int.from_bytes(content[:4], "little"))
    if model.number(0, "I") != 3:
        raise Damaged("its version is not 3")
    codes = [_code(code) for code in model.tables(1, MAX_OPERATORS, "operator codes")]
    buffers = [_constants(buffer) for buffer in model.tables(4, 2 * MAX_TENSORS, "buffers")]
    graphs = model.tables(2, 1, "graphs")
    if not graphs:
        raise Damaged("it has no graph")
    _check_graph(graphs[0], codes, buffers)


def _code(code: Table) -> int:
    number = int(max(code.number(0, "b"), code.number(3, "i")))
    if number not in OPERATORS or code.has(1):
        raise Damaged(f"it uses operator {number}, which is not one of an image classifier")
    return number


def _constants(buffer: Table) -> int:
    """Returns the number of bytes that a buffer holds."""
    if buffer.number(1, "Q") > 1:
        raise Damaged("its weights lie outside its structure")
    return buffer.length(0)


@dataclass(frozen=True, slots=True)
class _Tensor:
    values: int
    is_constant: bool


def _check_graph(graph: Table, codes: list[int], buffers: list[int]) -> None:
    tensors = [_tensor(tensor, buffers) for tensor in graph.tables(0, MAX_TENSORS, "tensors")]
    inputs, outputs = graph.numbers(1, "i"), graph.numbers(2, "i")
    if len(inputs) != 1 or len(outputs) != 1:
        raise Damaged(f"it has {len(inputs)} inputs and {len(outputs)} outputs, and must have one of each")
    if sum(tensor.values for tensor in tensors) > MAX_ALL_VALUES:
        raise Damaged(f"its tensors hold more than {MAX_ALL_VALUES >> 20} million values")
    known = {number for number, tensor in enumerate(tensors) if tensor.is_constant}
    _define(inputs, known, len(tensors))
    for operator in graph.tables(3, MAX_OPERATORS, "operators"):
        if operator.number(0, "I") >= len(codes):
            raise Damaged("it uses an operator that it does not name")
        if not set(operator.numbers(1, "i")) <= known | {-1}:
            raise Damaged("an operator works on what is not there yet")
        if any(operator.has(field) for field in (5, 7, 9)):
            raise Damaged("an operator has options of its own kind")
        _define(operator.numbers(2, "i"), known, len(tensors))
    if outputs[0] not in known or tensors[outputs[0]].is_constant or outputs[0] in inputs:
        raise Damaged("nothing computes its output")


def _define(numbers: tuple[int, ...], known: set[int], count: int) -> None:
    """Adds tensors that get their values now."""
    for number in numbers:
        if not 0 <= number < count or number in known:
            raise Damaged("a tensor gets its values twice, or does not exist")
        known.add(number)


def _tensor(tensor: Table, buffers: list[int]) -> _Tensor:
    shape, kind, buffer = tensor.numbers(0, "i"), tensor.number(1, "b"), tensor.number(2, "I")
    if kind not in WIDTHS or len(shape) > 6 or any(side < 0 for side in shape):
        raise Damaged("the shape or type of a tensor is not allowed")
    values = math.prod(shape)
    if values > MAX_VALUES:
        raise Damaged(f"a tensor holds more than {MAX_VALUES >> 20} million values")
    if buffer >= len(buffers) or tensor.number(5, "B") or tensor.has(6) or tensor.has(9):
        raise Damaged("a tensor is of a kind that is not allowed")
    if buffers[buffer] and buffers[buffer] != values * WIDTHS[kind]:
        raise Damaged(f"a tensor of {values} values has {buffers[buffer]} bytes")
    if (quantization := tensor.table(4)) is not None:
        _check_quantization(quantization, kind, shape)
    return _Tensor(values, is_constant=bool(buffers[buffer]) or values == 0)


def _check_quantization(quantization: Table, kind: int, shape: tuple[int, ...]) -> None:
    scales, zero_points = quantization.numbers(2, "f"), quantization.numbers(3, "q")
    axis = quantization.number(6, "i")
    channels = shape[axis] if 0 <= axis < len(shape) else 1
    if quantization.number(4, "B"):
        raise Damaged("a tensor has a quantization of its own kind")
    if len(scales) not in (0, 1, channels) or len(zero_points) not in (0, len(scales)):
        raise Damaged("the quantization of a tensor does not fit its shape")
    if not all(math.isfinite(scale) and scale > 0 for scale in scales):
        raise Damaged("a scale is not a positive number")
    low, high = ZERO_POINTS.get(kind, (-np.inf, np.inf))
    if not all(low <= point <= high for point in zero_points):
        raise Damaged("a zero point is out of range")
