"""A broker with rules that mosquitto cannot be given: a proxy before a real one that reads what its clients send."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

CONNECT, PUBLISH, SUBSCRIBE = 1, 3, 8


@dataclass(frozen=True)
class Packet:
    """A packet of a client. ``number`` counts the packets of its connection from 0, ``age`` is that of the connection.

    ``topic`` is that of a PUBLISH, the first filter of a SUBSCRIBE, or the will's. ``retain`` and ``will`` tell of a
    CONNECT whether it has a will, and whether that one is retained.
    """

    kind: int
    number: int
    age: float
    version: int
    topic: str = ""
    retain: bool = False
    will: bool = False
    size: int = 0
    body: bytes = b""


class Refusal(bytes):
    """An answer to a packet in place of the broker's: the connection goes on."""


Rule = Callable[[Packet], bytes | bool | None]
"""Returns True to hang up, a ``Refusal``, bytes to answer with and then to hang up, or anything else to pass it on."""


class StrictBroker:
    """Listens on ``port`` and passes on to ``target`` what its ``rule`` allows. ``refused`` has what it hung up on."""

    def __init__(self, target: int, rule: Rule) -> None:
        self.rule = rule
        self.refused: list[Packet] = []
        self.connections = 0
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close_listener(self) -> None:
        """Takes no further connection, as if the broker had ended."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def listen_again(self) -> None:
        """Takes connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                try:
                    broker = socket.create_connection(("127.0.0.1", self._target), 5)
                except OSError:
                    client.close()
                    continue
                broker.settimeout(None)
                self.connections += 1
                self._open += [client, broker]
                threading.Thread(target=self._read_client, args=(client, broker), daemon=True).start()
                threading.Thread(target=self._pump, args=(broker, client), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        self._end(source, sink)

    def _read_client(self, client: socket.socket, broker: socket.socket) -> None:
        started, number, version = time.monotonic(), 0, 4
        with suppress(OSError, EOFError):
            stream = client.makefile("rb")
            while True:
                raw = _read_packet(stream)
                packet = parse(raw, number, time.monotonic() - started, version)
                version, number = packet.version, number + 1
                verdict = self.rule(packet)
                if isinstance(verdict, Refusal):
                    client.sendall(verdict)
                    continue
                if verdict:
                    self.refused.append(packet)
                    if isinstance(verdict, bytes):
                        client.sendall(verdict)
                    break
                broker.sendall(raw)
        self._end(client, broker)

    def cut(self) -> None:
        """Ends all connections."""
        self._end(*self._open)

    @staticmethod
    def _end(*connections: socket.socket) -> None:
        for one in connections:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for connection in (self._listener, *self._open):
            connection.close()


def _read_packet(stream: object) -> bytes:
    read: Callable[[int], bytes] = stream.read  # type: ignore[attr-defined]
    head = read(1)
    length = shift = 0
    while True:
        digit = read(1)
        if not digit:
            raise EOFError
        head += digit
        length |= (digit[0] & 127) << shift
        shift += 7
        if digit[0] < 128:
            break
    body = read(length)
    if len(body) < length:
        raise EOFError
    return head + body


def parse(raw: bytes, number: int, age: float, version: int) -> Packet:
    """Reads what rules need of a packet."""
    start = 1 + next(i for i, digit in enumerate(raw[1:], 1) if digit < 128)
    kind, body = raw[0] >> 4, raw[start:]
    if kind == CONNECT:
        version, flags = body[6], body[7]
        will, retain = bool(flags & 4), bool(flags & 32)
        return Packet(kind, number, age, version, _will_topic(body) if will else "", retain, will, len(raw), body)
    if kind == PUBLISH:
        return Packet(kind, number, age, version, _text(body, 0)[0], bool(raw[0] & 1), False, len(raw), body)
    if kind == SUBSCRIBE:
        offset = 2 + (1 + body[2] if version == 5 else 0)
        return Packet(kind, number, age, version, _text(body, offset)[0], size=len(raw), body=body)
    return Packet(kind, number, age, version, size=len(raw))


def _text(body: bytes, offset: int) -> tuple[str, int]:
    length = int.from_bytes(body[offset : offset + 2], "big")
    return body[offset + 2 : offset + 2 + length].decode(), offset + 2 + length


def _will_topic(body: bytes) -> str:
    """The properties of these packets are shorter than 128 bytes, so that one byte tells their length."""
    offset = 10
    if body[6] == 5:
        offset += 1 + body[10]
    _, offset = _text(body, offset)
    if body[6] == 5:
        offset += 1 + body[offset]
    return _text(body, offset)[0]


def refuse_message(packet: Packet, reason: int) -> Refusal:
    """The PUBACK that refuses a PUBLISH with QoS 1 by MQTT 5."""
    start = 2 + int.from_bytes(packet.body[:2], "big")
    return Refusal(b"\x40\x03" + packet.body[start : start + 2] + bytes([reason]))


def refuse_connection(packet: Packet, reason: int, reason_3_1_1: int = 5) -> bytes:
    """The CONNACK that refuses a CONNECT."""
    return bytes([0x20, 3, 0, reason, 0]) if packet.version == 5 else bytes([0x20, 2, 0, reason_3_1_1])
