"""One client's connection to the embedded broker, within limits of size, pace and time."""

import asyncio
from typing import Any, Protocol

from .broker_packets import Framer, Kind, MalformedError, Message, Packet, packet_of, write_publish
from .broker_sessions import Session

CONNECT_LIMIT_S = 5.0
"""Seconds in which a connection must ask to be connected."""
PACKET_LIMIT_S = 20.0
"""Seconds from the beginning to the end of a packet."""
MAX_PACKET, MAX_OWN_PACKET = 4096, 8 * 2**20
"""Bytes of a packet: of anyone, whose longest are a login and a list of subscriptions, and of maskwatch itself."""
MAX_UNREAD = 256 * 1024
"""Bytes that a client has not read, from which on messages without acknowledgement are left out and others wait."""
PACKETS_PER_S = 200
"""Packets of anyone but maskwatch itself, so that a client that never stops takes little of the processor."""
GRACE_S = 1.0
"""Seconds for a client to read the last answer."""


class Handler(Protocol):
    """Takes what a connection hears, in the loop's thread."""

    def handle(self, connection: "Connection", packet: Packet) -> None:
        """Takes a packet. Raises ``MalformedError`` for one that it does not take."""
        ...

    def refused(self, connection: "Connection", error: Exception) -> None:
        """Takes why a connection is being closed."""
        ...

    def gone(self, connection: "Connection") -> None:
        """Takes that a connection has ended."""
        ...


class Connection(asyncio.Protocol):
    """A connection, from its beginning to its end.

    ``session`` and ``own`` are set when the client has logged in, ``will`` while it may be needed.
    """

    def __init__(self, handler: Handler, address: str) -> None:
        self.address = address
        self.session: Session | None = None
        self.own = False
        self.client_id = ""
        self.will: Message | None = None
        self.keepalive = 0
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._framer = Framer(self._judge)
        self._opened = self._heard = self._second = self._loop.time()
        self._packets = 0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.set_write_buffer_limits(high=MAX_UNREAD)

    def connection_lost(self, error: Exception | None) -> None:
        self._handler.gone(self)

    def data_received(self, data: bytes) -> None:
        self._framer.feed(data)
        self._work()

    def resume_writing(self) -> None:
        """Sends what has waited, once the client reads again."""
        self.send_waiting()

    def _judge(self, kind: Kind, length: int) -> None:
        if (kind is Kind.CONNECT) is (self.session is not None):
            raise MalformedError("a packet at the wrong moment")
        if kind is Kind.PUBLISH and not self.own:
            raise PermissionError("only maskwatch itself publishes")
        if length > (MAX_OWN_PACKET if self.own else MAX_PACKET):
            raise MalformedError("a packet that is too long")

    def _work(self) -> None:
        try:
            while not self._transport.is_closing() and not self._is_too_fast():
                packet = self._framer.next()
                if packet is None:
                    return
                self._heard = self._loop.time()
                self._packets += 1
                self._handler.handle(self, packet)
        except Exception as error:  # a packet that nobody expected must end this connection alone
            self._handler.refused(self, error)
            self.close()

    def _is_too_fast(self) -> bool:
        """Returns whether to leave the rest for the next second; reads no further until then."""
        now = self._loop.time()
        if now - self._second >= 1.0:
            self._second, self._packets = now, 0
        if self.own or self._packets < PACKETS_PER_S:
            return False
        self._transport.pause_reading()
        self._loop.call_at(self._second + 1.0, self._go_on)
        return True

    def _go_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()
            self._work()

    def is_late(self, now: float) -> bool:
        """Returns whether the client has let a time limit pass."""
        if self.session is None:
            return now - self._opened > CONNECT_LIMIT_S
        silent = now - self._heard
        return 0 < self.keepalive * 1.5 < silent or (self._framer.is_within_packet and silent > PACKET_LIMIT_S)

    def answer(self, kind: Kind, body: bytes = b"") -> None:
        """Sends an answer."""
        self.write(packet_of(kind, body))

    def write(self, data: bytes) -> None:
        """Sends bytes. A client that asks and does not read is closed."""
        if self._transport.get_write_buffer_size() > 2 * MAX_UNREAD:
            return self.abort()
        self._transport.write(data)

    @property
    def is_reading(self) -> bool:
        """Returns whether the client reads what it is sent."""
        return not self._transport.is_closing() and self._transport.get_write_buffer_size() < MAX_UNREAD

    def send(self, message: Message) -> None:
        """Sends a message: at once without acknowledgement, else in its turn."""
        if message.qos and self.session:
            self.session.put(message)
            self.send_waiting()
        elif self.is_reading:
            self.write(write_publish(message))

    def send_waiting(self) -> None:
        """Sends the messages that wait, as far as the client takes them."""
        while self.session and self.is_reading and (sent := self.session.next()):
            self.write(write_publish(sent[1], sent[0]))

    def send_again(self) -> None:
        """Sends what an earlier connection of this session did not acknowledge, then what waits."""
        for number, message in self.session.unacknowledged if self.session else ():
            self.write(write_publish(message, number, again=True))
        self.send_waiting()

    def close(self) -> None:
        """Closes the connection when the last answer is sent."""
        self._transport.close()
        self._loop.call_later(GRACE_S, self.abort)

    def abort(self) -> None:
        """Closes the connection at once."""
        if self._transport is not None:
            self._transport.abort()
