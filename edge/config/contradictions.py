"""Finds options that contradict each other, or what they name: files, addresses."""

import os
import re
from collections.abc import Iterable, Set
from pathlib import Path

from ..addresses import RAW_CHARACTERS, host_of, is_ambiguous, is_ip, shown, shown_file, split_login
from ..paths import fault
from .schema import Config, MqttConfig, SourceConfig
from .shifts import faults as _in_report
from .signs import faults as _in_sign
from .web_contradictions import in_web as _in_web

NETWORK = ("rtsp://", "rtsps://", "http://", "https://")
"""Beginnings of the addresses of network cameras, in any case."""


def contradictions(config: Config, given: Set[str]) -> list[str]:
    """Returns what is wrong with the configuration as a whole, one line each.

    ``given`` are the options that are set somewhere, as ``section.option``.
    """
    return [
        *_in_judging(config),
        *_in_source(config.source),
        *_in_mqtt(config.mqtt, given),
        *_in_state(config),
        *_in_store(config),
        *_in_web(config.web),
        *_in_pages(config),
        *_in_sign(config.sign),
        *_in_report(config.report),
        *_in_outputs(config),
    ]


def _in_outputs(config: Config) -> Iterable[str]:
    if not config.outputs:
        return ()
    from .output_contradictions import in_outputs  # nothing of outputs is loaded unless one is configured

    return in_outputs(config.outputs)


def _in_judging(config: Config) -> Iterable[str]:
    decide = config.decide
    if decide.seconds > decide.window:
        yield "decide.seconds is more than decide.window: nobody could ever be judged"


def _in_source(source: SourceConfig) -> Iterable[str]:
    address, name = source.source, f"source.source = {shown(source.source)!r}"
    if not address:
        yield "source.source is empty; auto takes the first camera"
    if address.lower().startswith(NETWORK):
        _, user, password = split_login(address)
        if is_ambiguous(address):
            yield f"{name}: host and port cannot be told from the rest of the address; {RAW_CHARACTERS}"
        elif source.user and (user or password):
            yield f"{name} has a login, and source.user is another; leave one out"
        elif source.verify and not source.ca_file and is_ip(host_of(address)):
            yield f"{name}: for an IP address, source.verify needs source.ca_file, because such certificates name hosts"
    if source.password_file and not source.user:
        yield "source.password_file needs source.user"
    if source.ca_file and not source.verify:
        yield "source.ca_file needs source.verify = true"
    if set(source.ca_file) & set(";|"):
        yield "source.ca_file: the path must not have ; or | in it"
    yield from _unreadable("source", source, "password_file", "ca_file")


def _in_mqtt(mqtt: MqttConfig, given: Set[str]) -> Iterable[str]:
    if mqtt.password_file and not mqtt.user:
        yield "mqtt.password_file needs mqtt.user"
    if mqtt.key_file and not mqtt.cert_file:
        yield "mqtt.key_file needs mqtt.cert_file"
    if (mqtt.ca_file or mqtt.cert_file) and not mqtt.tls:
        yield "mqtt.ca_file and mqtt.cert_file need mqtt.tls = true"
    if not mqtt.host:
        yield from _without_broker(mqtt, given)
    elif not re.fullmatch(r"[^\s/@:?#%\\\[\]]+", mqtt.host) and ("[" in mqtt.host or not is_ip(mqtt.host)):
        yield (
            f"mqtt.host = {shown(mqtt.host)!r}: must be a name or address without spaces and slashes; "
            "mqtt.port, mqtt.user and mqtt.tls take the rest of an address"
        )
    yield from _unreadable("mqtt", mqtt, "password_file", "ca_file", "cert_file", "key_file")


def _without_broker(mqtt: MqttConfig, given: Set[str]) -> Iterable[str]:
    port = MqttConfig().port
    # the example has port = 1883 beside host = "", which is no mistake
    if mqtt.port != port or ("mqtt.port" in given and "mqtt.host" not in given):
        yield f"mqtt.port needs mqtt.host: without it an embedded broker serves this machine at port {port}"
    if mqtt.user or mqtt.tls:
        yield "mqtt.user and mqtt.tls need mqtt.host"


def _unreadable(section: str, options: SourceConfig | MqttConfig, *names: str) -> Iterable[str]:
    for name in names:
        file = getattr(options, name)
        if file and (reason := fault(Path(os.path.expanduser(file)))):
            yield f"{section}.{name} = {shown_file(file)}: the file cannot be read: {reason}"


def _in_state(config: Config) -> Iterable[str]:
    folder = config.state.folder
    if "://" in folder:  # it would become folders whose names contain the password
        yield f"state.folder = {shown(folder)!r}: must be a folder, not an address"


def _in_store(config: Config) -> Iterable[str]:
    file = config.store.address_file
    if "://" in file or file.startswith("sqlite:"):
        yield "store.address_file: must name a file that contains the address, not the address itself"


def _in_pages(config: Config) -> Iterable[str]:
    for name, page in (("homeassistant.page", config.homeassistant.page), ("phone.page", config.phone.page)):
        address = page.replace("{device}", "device")  # the place of the camera's name
        if page and not address.lower().startswith(("http://", "https://", "homeassistant://")):
            yield f"{name} = {shown(page)!r}: must be an address that begins with http:// or https://"
        elif page and (any(split_login(address)[1:]) or is_ambiguous(address)):
            yield (
                f"{name} = {shown(page)!r}: must have a host and no login, because everybody who gets the link would "
                "get the login"
            )
