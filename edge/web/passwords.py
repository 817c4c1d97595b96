"""The page's password: kept as a salted scrypt hash (RFC 7914), guessed at slowly."""

import base64
import hashlib
import hmac
import secrets
import time
from collections import deque

N, R, P = 2**14, 8, 1
"""scrypt's cost: 16 MB and some 50 ms on a PC a guess, the parameters of RFC 7914 for interactive logins."""
SHORTEST = 8
TRIES, WINDOW = 5, 60.0
"""Wrong passwords from one address within so many seconds; then it must wait."""
ALL_TRIES = 30
"""Wrong passwords from all addresses together within the same time."""


def hashed(password: str) -> str:
    """``scrypt$N$r$p$salt$hash``. Raises ``ValueError`` for a password that is too short."""
    if len(password) < SHORTEST:
        raise ValueError(f"the password has {len(password)} letters; use {SHORTEST} or more")
    salt = secrets.token_bytes(16)
    return f"scrypt${N}${R}${P}${_text(salt)}${_text(_scrypt(password, salt, N, R, P))}"


def matches(password: str, stored: str) -> bool:
    """Whether ``stored`` is the hash of the password; False for what is no hash."""
    try:
        kind, n, r, p, salt, wanted = stored.split("$")
        found = _scrypt(password, base64.b64decode(salt, validate=True), int(n), int(r), int(p))
        return kind == "scrypt" and hmac.compare_digest(found, base64.b64decode(wanted, validate=True))
    except ValueError:
        return False


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=n, r=r, p=p, maxmem=64 * 2**20)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Limiter:
    """Counts wrong passwords an address, and of all together."""

    def __init__(self, tries: int = TRIES, all_tries: int = ALL_TRIES, window: float = WINDOW) -> None:
        self._tries, self._all_tries, self._window = tries, all_tries, window
        self._wrong: deque[tuple[float, str]] = deque(maxlen=1000)

    def wait(self, address: str) -> float:
        """Seconds until this address may try again, 0 for now."""
        now = time.monotonic()
        while self._wrong and now - self._wrong[0][0] > self._window:
            self._wrong.popleft()
        own = [at for at, who in self._wrong if who == address]
        if len(own) >= self._tries:
            return own[-self._tries] + self._window - now
        if len(self._wrong) >= self._all_tries:
            return self._wrong[-self._all_tries][0] + self._window - now
        return 0.0

    def wrong(self, address: str) -> None:
        self._wrong.append((time.monotonic(), address))

    def right(self, address: str) -> None:
        """Takes the last wrong one of an address back."""
        for number in range(len(self._wrong) - 1, -1, -1):
            if self._wrong[number][1] == address:
                del self._wrong[number]
                return


class Sessions:
    """Who is logged in: random tokens that end ``hours`` after their last use, the newest ``most`` of them."""

    def __init__(self, hours: float = 12.0, most: int = 50) -> None:
        self._seconds, self._most = hours * 3600, most
        self._used: dict[str, float] = {}

    def new(self) -> str:
        token = secrets.token_urlsafe(32)
        self._used[token] = time.monotonic()
        while len(self._used) > self._most:
            self._used.pop(min(self._used, key=lambda each: self._used[each]))
        return token

    def holds(self, token: str) -> bool:
        used = self._used.get(token)
        if used is None or time.monotonic() - used > self._seconds:
            self._used.pop(token, None)
            return False
        self._used[token] = time.monotonic()
        return True

    def end(self, token: str) -> None:
        self._used.pop(token, None)
