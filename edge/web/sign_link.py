"""Makes and checks the link that opens the sign at the door, and nothing else, without the page's password."""

import hashlib
import hmac
import secrets

from aiohttp import web

PATHS = ("/sign", "/sign/events", "/sign/logo")
"""Addresses that the sign's link opens, besides files that are the same for everybody."""
FILES = ("/sign.css", "/js/sign.js")
KEY_BYTES = 24


def new_key() -> tuple[str, str]:
    """Makes the key of a sign's link; returns it and its hash. A key as random as this needs no slow hash."""
    key = secrets.token_urlsafe(KEY_BYTES)
    return key, hash_key(key)


def hash_key(key: str) -> str:
    """Returns the hash of a key, which the configuration keeps."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def opens_sign(request: web.Request, link_hash: str) -> bool:
    """Returns whether a request needs no password: a file of the sign, or the sign with the key of its link."""
    if request.path in FILES:
        return True
    if not link_hash or request.path not in PATHS or request.method not in ("GET", "HEAD"):
        return False
    return hmac.compare_digest(hash_key(request.query.get("key", "")), link_hash)
