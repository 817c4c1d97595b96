"""Canary secrets, and how they are looked for in whatever leaves maskwatch."""

import base64
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

NAMES = ("mq", "cam", "query", "path", "page", "phone", "cred", "hook", "key")
SECRETS = tuple(f'Kan@ri "{number}"/{name}' for number, name in enumerate(NAMES))
BROKER, CAMERA, QUERY, PATH, PAGE, PHONE, CREDENTIAL, HOOK, KEY = SECRETS


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it is, in addresses, in JSON, and in base64 at each of its three positions."""
    for text in (secret, urllib.parse.quote(secret), urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1]):
        yield text.encode()
    yield urllib.parse.quote_plus(secret).encode()
    for shift in range(3):
        yield base64.b64encode(b"x" * shift + secret.encode())[4:-4]


def assert_clean(texts: dict[str, str | bytes]) -> None:
    for name, text in texts.items():
        raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
        assert raw, f"{name} is empty, so nothing was checked"
        for secret in SECRETS:
            for form in forms(secret):
                assert form not in raw, f"{name} has {form!r}: {raw[:3000]!r}"
        assert b"Kan@ri" not in raw and b"Kan%40ri" not in raw, f"{name}: {raw[:3000]!r}"


def private(path: Path, text: str) -> Path:
    path.write_text(text + "\n", "utf-8")
    path.chmod(0o600)
    return path
