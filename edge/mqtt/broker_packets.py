"""Reads and writes the packets of MQTT 3.1.1 for the embedded broker.

A packet's kind and length are judged as soon as its first bytes are there, so that what is too long is never buffered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

LONGEST_TOPIC = 512
"""Bytes of a topic or a filter: the longest of maskwatch's own have about 150."""
LENGTH_BYTES = 4
"""Bytes of the length that follows a packet's first byte, at most."""
VERSION, NEWER_VERSION = 4, 5
"""The protocol level of MQTT 3.1.1, and of MQTT 5."""


class MalformedError(ValueError):
    """What a client sends is no packet that this broker takes."""


class Kind(IntEnum):
    """The kinds of packets."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet as it was sent; ``flags`` are the lower four bits of its first byte."""

    kind: Kind
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be passed on, and perhaps to be kept."""

    topic: str
    payload: bytes
    qos: int
    retain: bool

    @property
    def size(self) -> int:
        """Returns about how many bytes of memory it costs."""
        return len(self.topic) + len(self.payload) + 200


@dataclass(frozen=True, slots=True)
class Connect:
    """A request to connect. ``user`` and ``password`` are None where they are not given."""

    version: int
    client_id: str = ""
    clean: bool = True
    keepalive: int = 0
    will: Message | None = None
    user: str | None = None
    password: bytes | None = None


class Framer:
    """Cuts what a client sends into packets. ``judge`` raises ``MalformedError`` for a kind and length not taken."""

    def __init__(self, judge: Callable[[Kind, int], None]) -> None:
        self._judge = judge
        self._buffer = bytearray()

    @property
    def is_within_packet(self) -> bool:
        """Returns whether a packet has begun and is not complete."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> None:
        """Takes what has arrived."""
        self._buffer += data

    def next(self) -> Packet | None:
        """Returns the next packet, None until it is complete. Raises ``MalformedError``."""
        head = self._head()
        if head is None:
            return None
        kind, start, length = head
        self._judge(kind, length)
        if len(self._buffer) < start + length:
            return None
        packet = Packet(kind, self._buffer[0] & 0x0F, bytes(self._buffer[start : start + length]))
        del self._buffer[: start + length]
        return packet

    def _head(self) -> tuple[Kind, int, int] | None:
        """Returns the kind of the next packet, where its body starts, and the body's length."""
        if not self._buffer:
            return None
        try:
            kind = Kind(self._buffer[0] >> 4)
        except ValueError as error:
            raise MalformedError("a kind of packet that is not taken") from error
        length = 0
        for position, byte in enumerate(self._buffer[1 : 1 + LENGTH_BYTES]):
            length |= (byte & 0x7F) << (7 * position)
            if byte < 0x80:
                return kind, 2 + position, length
        if len(self._buffer) > LENGTH_BYTES:
            raise MalformedError("a length that does not end")
        return None


class Fields:
    """Takes a packet's body apart. Each method raises ``MalformedError`` where the body is too short."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._position = 0

    @property
    def rest(self) -> bytes:
        """Returns what is left."""
        return self._body[self._position :]

    def take(self, count: int) -> bytes:
        """Takes bytes."""
        taken = self._body[self._position : self._position + count]
        if len(taken) < count:
            raise MalformedError("a packet that is shorter than it says")
        self._position += count
        return taken

    def number(self, count: int = 2) -> int:
        """Takes a number of ``count`` bytes."""
        return int.from_bytes(self.take(count), "big")

    def data(self) -> bytes:
        """Takes bytes after their length."""
        return self.take(self.number())

    def text(self) -> str:
        """Takes a text."""
        try:
            text = self.data().decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedError("a text that is not UTF-8") from error
        if "\0" in text:
            raise MalformedError("a text with a null character")
        return text

    def topic(self, *, wildcards: bool = False) -> str:
        """Takes a topic or, with ``wildcards``, a filter."""
        topic = self.text()
        levels = topic.split("/")
        if not 0 < len(topic) <= LONGEST_TOPIC or (not wildcards and ("+" in topic or "#" in topic)):
            raise MalformedError("a topic that is not taken")
        if any(level not in ("+", "#") and ("+" in level or "#" in level) for level in levels) or "#" in levels[:-1]:
            raise MalformedError("wildcards in the wrong place")
        return topic


def read_connect(body: bytes) -> Connect:
    """Reads a CONNECT. Of another version it reads nothing but the version. Raises ``MalformedError``."""
    fields = Fields(body)
    name, version = fields.data(), fields.number(1)
    if name not in (b"MQTT", b"MQIsdp"):
        raise MalformedError("another protocol")
    if version != VERSION:
        return Connect(version)
    flags, keepalive, client_id = fields.number(1), fields.number(), fields.text()
    will = None
    if flags & 0x04:
        topic, payload = fields.topic(), fields.data()
        will = Message(topic, payload, min(flags >> 3 & 3, 1), bool(flags & 0x20))
    user = fields.text() if flags & 0x80 else None
    password = fields.data() if flags & 0x40 else None
    if fields.rest or flags & 0x01:
        raise MalformedError("a CONNECT that is not as it should be")
    return Connect(version, client_id, bool(flags & 0x02), keepalive, will, user, password)


def read_publish(packet: Packet) -> tuple[int, Message]:
    """Returns the number to acknowledge, 0 for none, and the message. Raises ``MalformedError``, also for QoS 2."""
    fields = Fields(packet.body)
    topic, qos = fields.topic(), packet.flags >> 1 & 3
    if qos > 1 or topic.startswith("$"):
        raise MalformedError("a message that is not taken")
    return fields.number() if qos else 0, Message(topic, fields.rest, qos, bool(packet.flags & 1))


def read_filters(packet: Packet) -> tuple[int, dict[str, int]]:
    """Returns the number and the filters of a SUBSCRIBE, each with its QoS, or of an UNSUBSCRIBE."""
    fields = Fields(packet.body)
    number, filters = fields.number(), dict[str, int]()
    while fields.rest:
        topic = fields.topic(wildcards=True)
        filters[topic] = min(fields.number(1), 1) if packet.kind is Kind.SUBSCRIBE else 0
    if packet.flags != 2 or not filters:
        raise MalformedError("a subscription that is not as it should be")
    return number, filters


def packet_of(kind: Kind, body: bytes = b"", flags: int = 0) -> bytes:
    """Writes a packet."""
    length, encoded = len(body), bytearray()
    while True:
        length, byte = length >> 7, length & 0x7F
        encoded.append(byte | (0x80 if length else 0))
        if not length:
            return bytes((kind << 4 | flags, *encoded)) + body


def write_publish(message: Message, number: int = 0, *, again: bool = False) -> bytes:
    """Writes a message; ``number`` asks for an acknowledgement, ``again`` says that it was sent before."""
    topic = message.topic.encode()
    body = len(topic).to_bytes(2, "big") + topic + (number.to_bytes(2, "big") if number else b"") + message.payload
    return packet_of(Kind.PUBLISH, body, again << 3 | bool(number) << 1 | message.retain)


def write_connack(code: int, *, present: bool = False, version: int = VERSION) -> bytes:
    """Writes the answer to a CONNECT; 0 accepts it. ``present`` says that a session is kept."""
    return packet_of(Kind.CONNACK, bytes((present, code)) + (b"\0" if version >= NEWER_VERSION else b""))
