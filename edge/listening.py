"""Addresses of servers, ours and others: how they are written, where a browser finds one, and why one cannot listen."""

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

ELSEWHERE = {socket.AF_INET: "198.51.100.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses for documentation (RFC 5737, RFC 3849): the way to them leads to the router."""

BACKLOG = 128
"""Connections that the kernel keeps until the server accepts them."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a server serves, and what sets its address, for messages."""

    what: str = "page"
    host_option: str = "[web] host"
    port_option: str = "[web] port"


PAGE = Served()


def host_and_port(host: str, port: int) -> str:
    """Writes a host and a port together; an IPv6 address goes into brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url_of(host: str, port: int, scheme: str = "http") -> str:
    """Returns an URL that a browser can open for a server that listens at ``host``.

    A server that listens at every address of this machine (``0.0.0.0``, ``::``) is found at the one that the machine
    has in its network or, without a network, under its name.
    """
    if (family := _every_address(host)) is not None:
        host = _own_address(family) or socket.gethostname() or "localhost"
    return f"{scheme}://{host_and_port(host.replace('%', '%25'), port)}/"


def listen_problem(host: str, port: int, error: OSError, served: Served = PAGE) -> str:
    """Says in a few words why a server cannot listen there, and what to do. Follows "the page cannot use"."""
    set_host, set_port = served.host_option, served.port_option
    if isinstance(error, socket.gaierror):
        return f"the address {host}: {error.strerror}; set {set_host}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port}: in use by another program; set another {set_port}, or end that program"
        case errno.EACCES | errno.EPERM:
            return f"port {port}: only root may use ports below 1024; set {set_port} to 1024 or more"
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT | None:  # None: asyncio, when no address of the host can be used
            return f"the address {host}: this machine does not have it; set {set_host}"
    return f"{host_and_port(host, port)}: {error.strerror or error}; set {set_host} and {set_port}"


def try_to_listen(host: str, port: int) -> None:
    """Listens for a moment. Raises ``OSError`` as a server at this address would."""
    for probe in listen(host, port):
        probe.close()


def listen(host: str, port: int) -> list[socket.socket]:
    """Listens at every address of a host. Asks the name server.

    Raises ``OSError`` if none can be used, or if one of them is in use.
    """
    listening: list[socket.socket] = []
    failure: OSError | None = None
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "this is no host name") from None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        try:
            listening.append(_listening_socket(family, kind, protocol, address))
        except OSError as error:
            failure = error
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # a machine without IPv6, for example
                break
    if failure and (not listening or failure.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)):
        for one in listening:
            one.close()
        raise failure
    return listening


def _listening_socket(family: int, kind: int, protocol: int, address: Any) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def is_same_host(one: str, other: str) -> bool:
    """Returns whether two names or addresses lead to the same host. Asks the name server."""
    return one == other or bool(_addresses(one) & _addresses(other))


def _addresses(host: str) -> set[str]:
    with suppress(OSError, UnicodeError):
        return {str(address[0]) for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    return set()


def _every_address(host: str) -> socket.AddressFamily | None:
    """Returns the family of a host that means every address of this machine; None for any other host."""
    if not host:
        return socket.AF_INET
    with suppress(OSError):
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        for family, _, _, _, address in found:
            if address[0] in ("0.0.0.0", "::"):
                return family
    return None


def own_addresses() -> list[str]:
    """Returns the addresses that this machine has in its network, IPv4 and IPv6."""
    return [address for family in ELSEWHERE if (address := _own_address(socket.AddressFamily(family)))]


def _own_address(family: socket.AddressFamily) -> str:
    """Returns the address that this machine has towards its router; empty without one. Sends nothing."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((ELSEWHERE[family], 9))
        return str(probe.getsockname()[0])
    return ""
