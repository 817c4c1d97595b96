"""Wraps paho's MQTT client for one single connection, with login and TLS as configured."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ..config.credentials import password_for
from ..config.schema import MqttConfig
from ..errors import ConfigError
from ..timing import running

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
FAILURE = 128
"""The least MQTT 5 reason code of a failure."""
LARGEST_TAKEN = 256 * 1024
"""Bytes of a message that the broker may send us (MQTT 5), so that no message can fill the memory of a Pi."""
ROOM_S = 0.05
"""Seconds for which the network thread waits until its owner has room, before it does what else is due."""
FAREWELL_S = 0.5
"""Seconds for the broker to close the connection after our DISCONNECT."""


def accept_all_reasons() -> None:
    """Lets a broker give any reason for a failure in any answer.

    paho closes the connection when the reason is not one that MQTT 5 lists for that packet: mosquitto 2.0.11 answers a
    message above its ``message_size_limit`` with PUBACK 149, "Packet too large".
    """
    answers = PacketTypes.CONNACK, PacketTypes.PUBACK, PacketTypes.SUBACK, PacketTypes.DISCONNECT
    for code, names in ReasonCode.names.items():
        for packets in names.values() if code >= FAILURE else ():
            packets += [packet for packet in answers if packet not in packets]


accept_all_reasons()


@dataclass(frozen=True, slots=True)
class Session:
    """What the broker keeps of a client that is away.

    It keeps subscriptions and QoS 1 messages for ``expiry`` seconds (with MQTT 3.1.1 as long as it likes); 0: it keeps
    nothing. ``manual_ack`` leaves it to the owner of the link to acknowledge each message.
    """

    expiry: int = 0
    manual_ack: bool = False


FORGOTTEN = Session()
"""The session of a client that needs nothing kept."""


@dataclass(frozen=True, slots=True)
class LocalConfig(MqttConfig):
    """The connection to the embedded broker. Its password is made at each start, and is in memory alone."""

    password: str = field(default="", repr=False)


class Client(paho.Client):
    """paho's client for one connection.

    ``finished`` is set, with the reason in ``end_reason``, when paho's network thread ends, whatever ended it.
    ``ended`` is called in that thread.
    """

    def __init__(
        self,
        client_id: str,
        protocol: MQTTProtocolVersion,
        ended: Callable[["Client"], None],
        session: Session = FORGOTTEN,
    ) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if protocol == V5 else not session.expiry,
            protocol=protocol,
            reconnect_on_failure=False,
            manual_ack=session.manual_ack,
        )
        self._session = session
        self.suppress_exceptions = True  # an exception in a callback would end paho's thread silently
        self.on_socket_close = lambda c, u, connection: _read_the_rest(connection)
        self.connect_timeout = 5.0
        self.finished = threading.Event()
        self.errors: list[str] = []
        self.end_reason: str | ReasonCode = "closed"
        self.last_alive = running()
        self.wait_for_room: Callable[[float], bool] = lambda seconds: True
        self._ended = ended

    def start_connecting(self, settings: MqttConfig, window: int) -> None:
        """Starts paho's network thread, which connects. At most ``window`` messages are in flight."""
        terms = None
        if self.protocol == V5:
            terms = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            terms.MaximumPacketSize = LARGEST_TAKEN
            if self._session.expiry:
                terms.SessionExpiryInterval = self._session.expiry
        self.max_inflight_messages_set(window)
        clean = not self._session.expiry  # of MQTT 5 alone
        self.connect_async(settings.host, settings.port, settings.keepalive, clean_start=clean, properties=terms)
        self.loop_start()

    def send(self, topic: str, payload: bytes, qos: int, retain: bool, expiry: int) -> int:
        """Sends a message, which the broker forgets after ``expiry`` seconds (MQTT 5; 0: never); returns its id."""
        terms = None
        if expiry and self.protocol == V5:
            terms = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            terms.MessageExpiryInterval = expiry
        return self.publish(topic, payload, qos, retain, terms).mid

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """Runs paho's network loop. It is the body of paho's thread, and the only sure place to notice its end."""
        try:
            return super().loop_forever(timeout, False)
        except Exception as error:
            self.end_reason = str(error)
            return MQTTErrorCode.MQTT_ERR_UNKNOWN
        finally:
            self.finished.set()
            self._ended(self)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Reads what the broker sends once there is room for it; till then it waits in the kernel, and at the broker.

        Whatever is sent, signs of life too, goes on its way meanwhile.
        """
        return super().loop_read(max_packets) if self.wait_for_room(ROOM_S) else MQTTErrorCode.MQTT_ERR_SUCCESS

    def loop_misc(self) -> MQTTErrorCode:
        """Notes that paho's thread is alive; paho calls it in every round of that thread."""
        self.last_alive = running()
        return super().loop_misc()


def new_client(
    settings: MqttConfig,
    client_id: str,
    protocol: MQTTProtocolVersion = V5,
    ended: Callable[[Client], None] = lambda client: None,
    session: Session = FORGOTTEN,
    *,
    with_credential: bool = True,
) -> Client:
    """Makes a client with login and TLS as configured, not connected. Raises ``ConfigError`` for unusable files.

    ``with_credential`` is False for a broker that must not see the password of systemd's credential.
    """
    client = Client(client_id, protocol, ended, session)
    if isinstance(settings, LocalConfig):
        password = settings.password
    else:
        credential = "mqtt-password" if with_credential else ""
        password = password_for("mqtt.password_file", settings.password_file, credential)
    if password and not settings.user:
        raise ConfigError("a password for the broker is given, but no user name: set mqtt.user")
    if settings.user:
        client.username_pw_set(settings.user, password or None)
    if settings.tls:
        try:
            context = ssl.create_default_context(cafile=settings.ca_file or None)
            if settings.cert_file:
                # a password, so that OpenSSL never asks for one at a terminal
                context.load_cert_chain(settings.cert_file, settings.key_file or None, password="")
        except OSError as error:  # ssl.SSLError is one
            files = ", ".join(filter(None, (settings.ca_file, settings.cert_file, settings.key_file)))
            raise ConfigError(f"mqtt: TLS files {files} cannot be used: {error}") from error
        client.tls_set_context(context)
    return client


def note_error(client: paho.Client, userdata: Any, level: int, text: str) -> None:
    """Notes an error of the TLS handshake. An ``on_log`` callback, because paho reports it nowhere else."""
    if isinstance(client, Client) and level == paho.MQTT_LOG_ERR and "receive on socket" in text:
        client.errors.append(text)


def force_close(client: Client) -> None:
    """Closes a client's connection, even while its thread waits for the network.

    A thread that waits for a name server opens its connection later: that one is closed too.
    """
    client.on_socket_open = lambda c, u, connection: _shut(connection)
    client.disconnect()
    _shut(client.socket())


def _read_the_rest(connection: Any) -> None:
    """Waits until the broker has taken our DISCONNECT and closes the connection, ``FAREWELL_S`` at most.

    A socket that is closed with unread data is reset. The broker then may not see the DISCONNECT, and publishes the
    last will.
    """
    deadline = time.monotonic() + FAREWELL_S
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_WR)
        socket.socket.settimeout(connection, FAREWELL_S)
        while socket.socket.recv(connection, 65536) and time.monotonic() < deadline:
            pass


def _shut(connection: Any) -> None:
    """Shuts the socket down below TLS: the ``shutdown`` of a TLS socket would send plain text for a moment."""
    with suppress(OSError):
        if connection is not None:
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
