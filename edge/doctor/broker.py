"""Checks the connection to the broker."""

import importlib.metadata

from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import MqttConfig
from ..errors import BrokerError
from ..mqtt.client import V5, V311, probe_login
from ..mqtt.link import UNSUPPORTED_PROTOCOL
from .check import Result

BROKER_LIMIT_S = 30.0
"""Seconds for everything that is asked of the broker."""


def check_broker(mqtt: MqttConfig) -> Result:
    """Logs in at the broker, with MQTT 5 and then with 3.1.1. Raises ``BrokerError`` or ``ConfigError``."""
    if not mqtt.host:
        try:
            importlib.metadata.version("amqtt")
        except importlib.metadata.PackageNotFoundError:
            return "FAIL", "no broker is configured: set [mqtt] host, or pip install amqtt for an embedded one"
        text = "no broker is configured, and the embedded one serves this machine only"
        return "warn", f"{text}; set [mqtt] host to reach other devices"
    for protocol in (V5, V311):
        reason = _login_result(mqtt, protocol)
        if reason.value != UNSUPPORTED_PROTOCOL:
            break
    if reason.is_failure:
        return "FAIL", f"{mqtt.host}:{mqtt.port} refuses the login: {reason}; check [mqtt] user and password_file"
    return "ok", f"{mqtt.host}:{mqtt.port} accepts the login"


def _login_result(mqtt: MqttConfig, protocol: MQTTProtocolVersion) -> ReasonCode:
    try:
        with probe_login(mqtt, protocol) as (_, answer):
            pass
    except OSError as error:
        raise BrokerError(f"{mqtt.host}:{mqtt.port}: {error}; check host, port, network and TLS settings") from error
    if answer is None:
        raise BrokerError(f"{mqtt.host}:{mqtt.port} does not answer like an MQTT broker; check the port")
    return answer
