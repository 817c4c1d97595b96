"""Hashes the page's password (scrypt, RFC 7914), and checks it."""

import base64
import hashlib
import hmac
import secrets

N, R, P = 2**14, 8, 1
"""scrypt's cost: 16 MB and about 50 ms on a PC per guess; the parameters of RFC 7914 for interactive logins."""
MIN_LENGTH, MAX_LENGTH = 8, 256
"""Characters of a password. A longer one would not fit into a login."""


def hash_password(password: str) -> str:
    """Returns ``scrypt$N$r$p$salt$hash``. Raises ``ValueError`` for a password that is too short or too long."""
    if len(password) < MIN_LENGTH:
        raise ValueError(f"the password has {len(password)} characters; use {MIN_LENGTH} or more")
    if len(password) > MAX_LENGTH:
        raise ValueError(f"the password has {len(password)} characters; use {MAX_LENGTH} or less")
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
