"""Checks the structure of an ONNX file before OpenCV loads it: whole, bounded, and of the operators of YuNet."""

from collections.abc import Iterator

from .flatbuffer import Damaged

MAX_BYTES = 16 * 2**20
"""Largest network. YuNet has 0.2 MB."""
MAX_NODES = 2000
"""YuNet has 106 nodes."""
MODEL_GRAPH, GRAPH_NODE, GRAPH_INITIALIZER, NODE_OPERATOR, NODE_DOMAIN = 7, 1, 5, 4, 7
NODE_ATTRIBUTE, ATTRIBUTE_GRAPHS = 5, (6, 11)
TENSOR_EXTERNAL = 13
OPERATORS = frozenset(
    (
        "Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Constant", "Conv", "DequantizeLinear", "Exp",
        "Flatten", "Identity", "LeakyRelu", "MaxPool", "Mul", "PRelu", "QLinearAdd", "QLinearConv", "QuantizeLinear",
        "Relu", "Reshape", "Resize", "Shape", "Sigmoid", "Slice", "Softmax", "Sub", "Transpose", "Unsqueeze",
        "Upsample",
    )
)  # fmt: skip
Value = int | bytes


def check_network(content: bytes) -> None:
    """Raises ``Damaged`` if a file is not a whole ONNX network of allowed operators."""
    if len(content) > MAX_BYTES:
        raise Damaged(f"it has more than {MAX_BYTES >> 20} MiB")
    graphs = [_bytes(value) for field, value in _fields(content) if field == MODEL_GRAPH]
    if len(graphs) != 1:
        raise Damaged("it is not an ONNX network")
    count = 0
    for field, value in _fields(graphs[0]):
        if field == GRAPH_NODE:
            count += 1
            _check_node(_bytes(value))
        elif field == GRAPH_INITIALIZER and TENSOR_EXTERNAL in (part for part, _ in _fields(_bytes(value))):
            raise Damaged("its weights are in another file")
    if not 0 < count <= MAX_NODES:
        raise Damaged(f"it has {count} nodes, and 1 to {MAX_NODES} are allowed")


def _check_node(node: bytes) -> None:
    fields = list(_fields(node))
    names = [_bytes(value) for field, value in fields if field == NODE_OPERATOR]
    if len(names) != 1 or names[0].decode("latin-1") not in OPERATORS:
        shown = names[0].decode("latin-1")[:30] if names else ""
        raise Damaged(f"it uses operator {shown!r}, which is not one of YuNet")
    if any(field == NODE_DOMAIN and value not in (b"", b"ai.onnx") for field, value in fields):
        raise Damaged("it uses operators of another kind than ONNX has")
    for field, value in fields:
        if field == NODE_ATTRIBUTE and any(part in ATTRIBUTE_GRAPHS for part, _ in _fields(_bytes(value))):
            raise Damaged("a node has a graph of its own")


def _bytes(value: Value) -> bytes:
    if isinstance(value, int):
        raise Damaged("a part of it is of the wrong kind")
    return value


def _fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Yields number and value of each field of a message (protocol buffers). Raises ``Damaged`` at the first damage."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        field, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield field, value
            continue
        if kind == 2:
            length, place = _varint(message, place)
        else:
            length = {1: 8, 5: 4}.get(kind, -1)
        if not field or not 0 <= length <= len(message) - place:
            raise Damaged("a part of it is longer than the file")
        yield field, message[place : place + length]
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Reads a number of 1 to 10 bytes; returns it with the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise Damaged("a number in it is cut off or too long")
