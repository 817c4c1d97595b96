"""Hashes the page's password (scrypt, RFC 7914), limits guesses, and keeps the sessions."""

import base64
import hashlib
import hmac
import secrets
import time
from collections import deque

N, R, P = 2**14, 8, 1
"""scrypt's cost: 16 MB and about 50 ms on a PC per guess; the parameters of RFC 7914 for interactive logins."""
MIN_LENGTH = 8
MAX_TRIES, TRIES_WINDOW = 5, 60.0
"""Wrong passwords allowed from one address within so many seconds; then that address must wait."""
MAX_TRIES_IN_ALL = 30
"""Wrong passwords allowed from all addresses together within the same time."""
MAX_REMEMBERED_TRIES = 1000


def hash_password(password: str) -> str:
    """Returns ``scrypt$N$r$p$salt$hash``. Raises ``ValueError`` for a password that is too short."""
    if len(password) < MIN_LENGTH:
        raise ValueError(f"the password has {len(password)} characters; use {MIN_LENGTH} or more")
    salt = secrets.token_bytes(16)
    return f"scrypt${N}${R}${P}${_base64(salt)}${_base64(_scrypt(password, salt, N, R, P))}"


def matches(password: str, password_hash: str) -> bool:
    """Tells whether the hash is the password's; False also for a malformed hash."""
    try:
        kind, n, r, p, salt, expected = password_hash.split("$")
        actual = _scrypt(password, base64.b64decode(salt, validate=True), int(n), int(r), int(p))
        return kind == "scrypt" and hmac.compare_digest(actual, base64.b64decode(expected, validate=True))
    except ValueError:
        return False


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=n, r=r, p=p, maxmem=64 * 2**20)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Limiter:
    """Counts wrong passwords per address and in all, within the last ``window`` seconds."""

    def __init__(
        self, tries: int = MAX_TRIES, tries_in_all: int = MAX_TRIES_IN_ALL, window: float = TRIES_WINDOW
    ) -> None:
        self._tries = tries
        self._tries_in_all = tries_in_all
        self._window = window
        self._wrong: deque[tuple[float, str]] = deque(maxlen=MAX_REMEMBERED_TRIES)

    def seconds_to_wait(self, address: str) -> float:
        """Returns the seconds until this address may try again; 0 if it may try now."""
        now = time.monotonic()
        while self._wrong and now - self._wrong[0][0] > self._window:
            self._wrong.popleft()
        times = [moment for moment, sender in self._wrong if sender == address]
        if len(times) >= self._tries:
            return times[-self._tries] + self._window - now
        if len(self._wrong) >= self._tries_in_all:
            return self._wrong[-self._tries_in_all][0] + self._window - now
        return 0.0

    def count_wrong(self, address: str) -> None:
        """Counts a wrong password."""
        self._wrong.append((time.monotonic(), address))

    def uncount(self, address: str) -> None:
        """Removes the latest wrong password of an address from the count."""
        for index in range(len(self._wrong) - 1, -1, -1):
            if self._wrong[index][1] == address:
                del self._wrong[index]
                return


class Sessions:
    """Keeps the tokens of everyone who is logged in.

    A token is random and expires ``hours`` after its last use. Beyond ``limit`` tokens, the one used longest ago ends.
    """

    def __init__(self, hours: float = 12.0, limit: int = 50) -> None:
        self._lifetime = hours * 3600
        self._limit = limit
        self._last_used: dict[str, float] = {}

    def create(self) -> str:
        """Starts a session; returns its token."""
        token = secrets.token_urlsafe(32)
        self._last_used[token] = time.monotonic()
        while len(self._last_used) > self._limit:
            self._last_used.pop(min(self._last_used, key=self._last_used.__getitem__))
        return token

    def is_valid(self, token: str) -> bool:
        """Tells whether the session is still valid, and counts that as a use."""
        last_used = self._last_used.get(token)
        if last_used is None or time.monotonic() - last_used > self._lifetime:
            self._last_used.pop(token, None)
            return False
        self._last_used[token] = time.monotonic()
        return True

    def end(self, token: str) -> None:
        """Ends a session; an unknown token is ignored."""
        self._last_used.pop(token, None)
