"""Keeps who is logged in: sessions, and the browsers that have logged in before, also over restarts.

Only SHA-256 hashes of the random tokens are kept. Times are ages, not dates: a Raspberry Pi has no clock of its own,
and its date may jump by years when it hears from a time server. An age grows with the machine's running time. From
one start of the machine to the next it grows by the difference of the dates, at most by ``LONGEST_GAP``: a date that
is wrong can neither end every session nor keep one for ever.
"""

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import replace
from ..paths import open_at_once

log = logging.getLogger(__name__)

HOUR, DAY = 3600.0, 86400.0
IDLE, LONGEST = 7 * DAY, 30 * DAY
"""A session ends so long after its last use, and so long after the login in any case."""
DEVICE_IDLE = 400 * DAY
"""A browser is forgotten so long after its last login; browsers keep no cookie for longer."""
LIMIT = 50
"""Sessions, and browsers, that are kept at most. Beyond that, the one used longest ago ends."""
LONGEST_GAP = DAY
"""Seconds that a restart of the machine counts at most."""
MAX_BYTES = 100_000
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def hashed(token: str) -> str:
    """Returns the hash under which a token is kept. The token is random: a fast hash is as good as a slow one."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> float:
    """Returns seconds since the machine was started, also while it was suspended; no clock can change them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Tokens:
    """A bounded number of tokens, each with the times of its creation and of its last use."""

    def __init__(self, idle: float, longest: float, limit: int = LIMIT) -> None:
        self._idle = idle
        self._longest = longest
        self._limit = limit
        self._times: dict[str, tuple[float, float]] = {}

    def create(self) -> str:
        """Returns a new token."""
        token, now = secrets.token_urlsafe(32), _now()
        self._put(hashed(token), now, now)
        return token

    def is_valid(self, token: str) -> bool:
        """Returns whether the token is known and has not expired; then that counts as a use."""
        key, now = hashed(token), _now()
        if key not in self._times:
            return False
        created, used = self._times.pop(key)
        if now - used > self._idle or now - created > self._longest:
            return False
        self._put(key, created, now)
        return True

    def _put(self, key: str, created: float, used: float) -> None:
        """Puts a token behind the others, so that the first one is always the one used longest ago."""
        self._times[key] = created, used
        while len(self._times) > self._limit:
            del self._times[next(iter(self._times))]

    def end(self, token: str) -> None:
        """Forgets a token; an unknown one is ignored."""
        self._times.pop(hashed(token), None)

    def end_others(self, token: str | None) -> None:
        """Forgets every other token; all of them for None."""
        key = hashed(token) if token else ""
        self._times = {key: self._times[key]} if key in self._times else {}

    def ages(self) -> dict[str, list[float]]:
        """Returns the seconds since creation and last use, by the token's hash."""
        now = _now()
        return {key: [round(now - created), round(now - used)] for key, (created, used) in self._times.items()}

    def restore(self, ages: Mapping[str, Any], gap: float) -> None:
        """Takes over what ``ages`` returned ``gap`` seconds ago; leaves out what is no token."""
        now = _now() - gap
        for key, (created, used) in sorted(ages.items(), key=lambda item: -float(item[1][1])):
            if len(key) == 64 and 0 <= created < float("inf") and 0 <= used < float("inf"):
                self._put(str(key), now - created, now - used)


class Sessions:
    """The sessions of a page (``logins``) and the browsers that have logged in before (``devices``).

    They are kept in ``file`` if its folder exists, else only in memory. Sessions of another password are not taken
    over. The methods that use the disk never raise.
    """

    def __init__(self, file: Path | None, password_hash: str) -> None:
        self.logins = Tokens(IDLE, LONGEST)
        self.devices = Tokens(DEVICE_IDLE, float("inf"))
        self._file = file
        self._password = hashed(password_hash)
        self._failed = False
        if file and password_hash:
            self._load(file)

    def _load(self, file: Path) -> None:
        try:
            with open(file, "rb", opener=open_at_once) as opened:
                kept = json.loads(opened.read(MAX_BYTES))
            gap = _gap(kept)
            self.devices.restore(kept["devices"], gap)
            if kept["password"] == self._password:
                self.logins.restore(kept["sessions"], gap)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or "it is damaged"
            log.warning("%s cannot be read: %s; everybody must log in to the page again", file, reason)

    def replace_password(self, password_hash: str, session: str | None) -> None:
        """Takes another password: every session but this one ends."""
        self._password = hashed(password_hash)
        self.logins.end_others(session)

    def content(self) -> bytes:
        """Returns what is kept on disk."""
        kept = {"password": self._password, "sessions": self.logins.ages(), "devices": self.devices.ages()}
        return json.dumps(kept | {"boot": _boot(), "running": _now(), "date": time.time()}).encode()

    def write(self, content: bytes) -> None:
        """Writes what ``content`` returned; logs once if that fails."""
        if not self._file or not self._file.parent.is_dir():
            return
        try:
            replace(self._file, content)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.warning(
                    "%s cannot be written: %s; everybody must log in to the page again after a restart",
                    self._file,
                    error.strerror,
                )
            self._failed = True


def _boot() -> str:
    try:
        return BOOT_ID.read_text("utf-8").strip()
    except OSError:
        return ""


def _gap(kept: Mapping[str, Any]) -> float:
    """Returns the seconds since the file was written. A date that is no number counts like one that is long ago."""
    running = _now() - float(kept["running"])
    if kept["boot"] and kept["boot"] == _boot() and 0 <= running < float("inf"):
        return running
    return max(0.0, min(LONGEST_GAP, time.time() - float(kept["date"])))
