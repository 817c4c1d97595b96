"""Loads the certificate with which the page is served over https, and takes a renewed one without a restart."""

import os
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..addresses import shown_file
from ..errors import ConfigError
from ..paths import check_file

LOOK_S = 10.0
"""Seconds between two looks at the files."""
EXPIRED, NOT_YET_VALID = 10, 9
"""Codes of OpenSSL (``X509_V_ERR_...``)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, loaded: when it expires (seconds since 1970) and which names and addresses it is for.

    Both are unknown (infinite, empty) while this machine's clock says that the certificate is not yet valid.
    """

    context: ssl.SSLContext
    expires: float
    names: frozenset[str]

    @property
    def until(self) -> str:
        """Returns the day on which the certificate expires."""
        return f"{datetime.fromtimestamp(self.expires, UTC):%Y-%m-%d}" if self.expires < float("inf") else "unknown"


def load_pair(certificate: str, key: str) -> Pair:
    """Loads a certificate and its key.

    ``key`` is empty if it is in the certificate's file. Raises ``ConfigError`` with one sentence that says what is
    wrong and what to do.
    """
    certificate_file, key_file = _readable(certificate), _readable(key or certificate)
    if key_file.stat().st_mode & 0o007:
        raise ConfigError(f"the key {shown_file(str(key_file))} can be read by every user; chmod 640 it")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate_file, key_file, password=_refuse_passphrase)
    except ConfigError:
        raise ConfigError(f"the key {shown_file(str(key_file))} has a passphrase; save it without one") from None
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(_pair_problem(error, certificate_file, key_file)) from None
    return _described(context, certificate_file)


def _readable(path: str) -> Path:
    file = Path(os.path.expanduser(path))
    try:
        check_file(file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no path"
        raise ConfigError(f"{shown_file(path)} cannot be read: {reason}; check [web] certificate and key") from None
    return file


def _refuse_passphrase() -> str:
    """Is asked for the passphrase of an encrypted key; without this, OpenSSL would ask at the terminal."""
    raise ConfigError("the key has a passphrase")


def _pair_problem(error: OSError, certificate: Path, key: Path) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return f"the key {shown_file(str(key))} does not belong to the certificate {shown_file(str(certificate))}"
    return (
        f"{shown_file(str(certificate))} and {shown_file(str(key))} are no certificate and key in PEM; "
        "maskwatch set --web-certificate makes a pair"
    )


def _described(context: ssl.SSLContext, certificate: Path) -> Pair:
    """Tells what the certificate says, as it shows in a handshake with ourselves. Raises ``ConfigError``."""
    trusting = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself is trusted
    trusting.verify_flags &= ~getattr(ssl.VerifyFlags, "VERIFY_X509_STRICT", 0)
    trusting.load_verify_locations(certificate)
    try:
        seen = _handshake(context, trusting)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == EXPIRED:
            raise ConfigError(
                f"the certificate {shown_file(str(certificate))} has expired; renew it, or check this machine's clock"
            ) from None
        if error.verify_code == NOT_YET_VALID:  # by the clock of this machine, which may not be set yet
            return Pair(context, float("inf"), frozenset())
        raise ConfigError(
            f"the certificate {shown_file(str(certificate))} cannot be used: {error.verify_message}"
        ) from None
    expires = float(ssl.cert_time_to_seconds(str(seen["notAfter"])))
    return Pair(context, expires, frozenset(name for _, name in seen.get("subjectAltName", ())))


def _handshake(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> dict[str, Any]:
    """Connects two ends in memory; returns the certificate as the client sees it. Raises ``ssl.SSLError``."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        try:
            client.do_handshake()
            return dict(client.getpeercert() or {})
        except ssl.SSLWantReadError:
            with suppress(ssl.SSLWantReadError):
                server.do_handshake()
    raise ssl.SSLError("no handshake")


class Certificate:
    """The certificate of a page: its context for new connections, loaded again when the files change.

    A renewed pair that cannot be used is reported, and the old one stays in use.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._paths = certificate, key
        self._pair: Pair | None = None
        self._seen: Any = None
        self._next_look = 0.0
        self._problem: str | None = None

    def load(self) -> None:
        """Loads the pair for the first time. Raises ``ConfigError``."""
        if self._paths[0]:
            self._seen = self._state()
            self._pair = load_pair(*self._paths)

    @property
    def context(self) -> ssl.SSLContext | None:
        """Returns the context for new connections; None without a certificate."""
        return self._pair.context if self._pair else None

    def look(self) -> str | None:
        """Takes a renewed pair; returns what is wrong with the certificate now, None if nothing is."""
        if self._pair is None or time.monotonic() < self._next_look:
            return self._problem
        self._next_look = time.monotonic() + LOOK_S
        if (state := self._state()) != self._seen or self._problem:
            self._seen = state
            try:
                self._pair = load_pair(*self._paths)
                self._problem = None
            except ConfigError as error:
                self._problem = str(error)
        if not self._problem and time.time() > self._pair.expires:
            self._problem = f"the certificate {shown_file(self._paths[0])} has expired; renew it"
        return self._problem

    def _state(self) -> list[tuple[int, ...] | None]:
        states: list[tuple[int, ...] | None] = []
        for path in filter(None, self._paths):
            try:
                status = os.stat(os.path.expanduser(path))
                states.append((status.st_ino, status.st_mtime_ns, status.st_size))
            except (OSError, ValueError):
                states.append(None)
        return states
