"""A small MQTT 3.1.1 broker for this machine: anyone may read, only maskwatch itself may publish.

Why one of our own (2026-11): mosquitto is the better broker where it is installed, and then --broker names it. Most
first tries have none, and it bounds neither subscriptions nor retained messages. NanoMQ is neither in Debian nor on
PyPI. amqtt 0.12, the one maintained broker in Python, leaks the descriptor of a connection that closes without a byte,
buffers packets and queues without a bound, publishes last wills unasked, lets anyone take over a client id, and brings
ten packages; a guard before it would have to read every packet, which is most of this broker.
"""

import asyncio
import hmac
import logging
import secrets
import socket
from dataclasses import dataclass, field

from .broker_connection import Connection
from .broker_packets import (
    VERSION,
    Connect,
    Fields,
    Kind,
    MalformedError,
    Message,
    Packet,
    read_connect,
    read_filters,
    read_publish,
    write_connack,
)
from .broker_sessions import Retained, Session

log = logging.getLogger(__name__)

MAX_OPENING = 32
"""Connections that have not asked to be connected yet; the oldest gives way to a new one."""
MAX_CLIENTS, MAX_CLIENTS_PER_ADDRESS = 32, 16
"""Connected clients beside maskwatch itself, which always has a place."""
MAX_KEPT = 16
"""Clients for which messages are kept while they are away; the one that is away for longest gives way."""
KEPT_S = 14 * 86400.0
"""Seconds for which messages are kept for a client that is away."""
ACCEPT_PAUSE_S = 0.005
"""Seconds between two new connections, so that a flood of them takes little of the processor."""
SWEEP_S = 1.0
WRONG_VERSION, ID_REFUSED, NO_PLACE, WRONG_LOGIN, FORBIDDEN = 1, 2, 3, 4, 5
"""Answers to a CONNECT that refuse it."""
UNSUPPORTED_VERSION = 0x84
"""The same as WRONG_VERSION, for a client that speaks MQTT 5 and then tries 3.1.1."""


@dataclass(frozen=True, slots=True)
class Login:
    """With what maskwatch itself logs in; the password is a new one at each start, and in memory alone."""

    user: str = "maskwatch"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


class Broker:
    """Serves clients in an event loop, at a socket that listens. Everything that it keeps ends with the process."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._opening: dict[Connection, None] = {}
        self._clients: dict[str, Connection] = {}
        self._sessions: dict[str, Session] = {}
        self._retained = Retained()
        self._said: set[str] = set()

    async def serve(self, listening: socket.socket) -> None:
        """Accepts connections until it is cancelled."""
        loop = asyncio.get_running_loop()
        sweeping = loop.create_task(self._sweep())
        try:
            while True:
                try:
                    accepted, address = await loop.sock_accept(listening)
                except OSError as error:
                    self._say(f"takes no connections for now: {error.strerror}")
                    await asyncio.sleep(SWEEP_S)
                    continue
                await self._admit(accepted, str(address[0]))
                await asyncio.sleep(ACCEPT_PAUSE_S)
        finally:
            sweeping.cancel()
            for connection in (*self._opening, *self._clients.values()):
                connection.abort()

    async def _admit(self, accepted: socket.socket, address: str) -> None:
        if len(self._opening) >= MAX_OPENING:
            next(iter(self._opening)).abort()
        connection = Connection(self, address)
        self._opening[connection] = None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, accepted)
        except OSError:  # it has gone already
            self._opening.pop(connection, None)
            accepted.close()

    async def _sweep(self) -> None:
        """Ends what is late, and forgets clients that are away for too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_S)
            for connection in [one for one in (*self._opening, *self._clients.values()) if one.is_late(loop.time())]:
                connection.abort()
            for client_id in [id for id, one in self._away() if loop.time() - (one.away_since or 0.0) > KEPT_S]:
                del self._sessions[client_id]

    def _away(self) -> list[tuple[str, Session]]:
        """Returns the clients that are away, the one that is away for longest first."""
        away = [(client_id, one) for client_id, one in self._sessions.items() if one.away_since is not None]
        return sorted(away, key=lambda entry: entry[1].away_since or 0.0)

    def _say(self, what: str) -> None:
        """Logs what happens once per run, because anyone on this machine can make it happen again and again."""
        if what not in self._said:
            self._said.add(what)
            log.warning("the embedded broker %s", what)

    # What connections call.

    def handle(self, connection: Connection, packet: Packet) -> None:
        match packet.kind:
            case Kind.CONNECT:
                self._on_connect(connection, read_connect(packet.body))
            case Kind.PUBLISH:
                number, message = read_publish(packet)
                self._pass_on(message)
                if number:
                    connection.answer(Kind.PUBACK, number.to_bytes(2, "big"))
            case Kind.PUBACK if connection.session:
                connection.session.acknowledge(Fields(packet.body).number())
                connection.send_waiting()
            case Kind.SUBSCRIBE if connection.session:
                self._on_subscribe(connection, connection.session, *read_filters(packet))
            case Kind.UNSUBSCRIBE if connection.session:
                number, filters = read_filters(packet)
                for topic in filters:
                    connection.session.filters.pop(topic, None)
                connection.answer(Kind.UNSUBACK, number.to_bytes(2, "big"))
            case Kind.PINGREQ:
                connection.answer(Kind.PINGRESP)
            case Kind.DISCONNECT:
                connection.will = None
                connection.close()
            case _:
                raise MalformedError("a packet that only a broker sends")

    def refused(self, connection: Connection, error: Exception) -> None:
        if isinstance(error, PermissionError):
            self._say("refuses a message of another program: only maskwatch itself publishes there")
        elif not isinstance(error, MalformedError):
            self._say(f"has closed a connection: {type(error).__name__}")

    def gone(self, connection: Connection) -> None:
        self._opening.pop(connection, None)
        if self._clients.get(connection.client_id) is connection:
            del self._clients[connection.client_id]
            session = self._sessions[connection.client_id]
            if session.lasting:
                session.away_since = asyncio.get_running_loop().time()
            else:
                del self._sessions[connection.client_id]
        if connection.will:
            self._pass_on(connection.will)

    def _on_connect(self, connection: Connection, asked: Connect) -> None:
        code = self._refusal(connection, asked)
        if code:
            connection.write(write_connack(code, version=asked.version))
            return connection.close()
        client_id = asked.client_id or secrets.token_hex(12)
        if (earlier := self._clients.get(client_id)) is not None:
            self.gone(earlier)
            earlier.will = None
            earlier.abort()
        session = self._sessions.get(client_id)
        present = session is not None and session.lasting and not asked.clean and session.own == self._is_own(asked)
        if session is None or not present:
            session = Session(lasting=not asked.clean, own=self._is_own(asked))
        session.away_since = None
        self._sessions[client_id] = session
        self._clients[client_id] = connection
        self._opening.pop(connection, None)
        connection.client_id, connection.keepalive, connection.will = client_id, asked.keepalive, asked.will
        connection.session, connection.own = session, session.own
        connection.write(write_connack(0, present=present))
        connection.send_again()

    def _is_own(self, asked: Connect) -> bool:
        return asked.user == self._login.user

    def _refusal(self, connection: Connection, asked: Connect) -> int:
        """Returns why a connection is refused, 0 if it is not."""
        if asked.version != VERSION:
            return UNSUPPORTED_VERSION if asked.version > VERSION else WRONG_VERSION
        if not asked.client_id and not asked.clean:
            return ID_REFUSED
        if self._is_own(asked):
            right = hmac.compare_digest(asked.password or b"", self._login.password.encode())
            return 0 if right else WRONG_LOGIN
        if asked.will:
            self._say("refuses a last will of another program: only maskwatch itself publishes there")
            return FORBIDDEN
        known = self._sessions.get(asked.client_id)
        if known is not None and known.own:
            return ID_REFUSED
        if not self._has_place(connection, asked, known):
            self._say(f"has no place for another client: it takes {MAX_CLIENTS}, of one address half of them")
            return NO_PLACE
        return 0

    def _has_place(self, connection: Connection, asked: Connect, known: Session | None) -> bool:
        """Returns whether there is a place; makes one where a client for which messages are kept is away."""
        others = [one for id, one in self._clients.items() if not one.own and id != asked.client_id]
        near = sum(one.address == connection.address for one in others)
        if len(others) >= MAX_CLIENTS or near >= MAX_CLIENTS_PER_ADDRESS:
            return False
        if not asked.clean and known is None and sum(one.lasting for one in self._sessions.values()) >= MAX_KEPT:
            away = self._away()
            if not away:
                return False
            del self._sessions[away[0][0]]
        return True

    def _on_subscribe(self, connection: Connection, session: Session, number: int, filters: dict[str, int]) -> None:
        taken = [session.subscribe(topic, qos) for topic, qos in filters.items()]
        codes = bytes(qos if ok else 0x80 for qos, ok in zip(filters.values(), taken, strict=True))
        connection.answer(Kind.SUBACK, number.to_bytes(2, "big") + codes)
        for (topic, qos), ok in zip(filters.items(), taken, strict=True):
            for kept in self._retained.on(topic) if ok else ():
                connection.send(Message(kept.topic, kept.payload, min(kept.qos, qos), True))

    def _pass_on(self, message: Message) -> None:
        if message.retain and not self._retained.keep(message):
            self._say("keeps no further retained messages: it has no room for more")
        for client_id, session in self._sessions.items():
            wanted = session.qos_for(message.topic)
            if wanted is None:
                continue
            sent = Message(message.topic, message.payload, min(message.qos, wanted), False)
            if (connection := self._clients.get(client_id)) is not None:
                connection.send(sent)
            elif sent.qos:
                session.put(sent)
