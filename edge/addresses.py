"""Shows addresses and paths without what may be secret in them, and puts logins into addresses.

What is shown of a text depends on what it may be, not on whether it can be parsed: an address that is mistyped still
contains its password. Of an address only scheme, host and port are ever shown, because cameras take user and password
in the path and in the query too.
"""

import os
import re
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

HIDDEN = "..."
"""Stands for what is not shown."""
RAW_CHARACTERS = (
    "if the password has one of @ : / # ?, write %40 %3A %2F %23 %3F for it, or set source.user and "
    "source.password_file"
)
"""The hint at a password that ends too early."""
PORTS = {"http": 80, "https": 443}
"""The usual ports of web addresses."""
POST_ADDRESS = (
    "use an address such as https://ntfy.sh/a-name-that-nobody-guesses; in a user name or password before the @, write "
    "each of the signs : / ? # @ % as % and two digits (%3A %2F %3F %23 %40 %25)"
)
"""The hint at an address that takes no POST."""
SERVER = re.compile(
    r"(\[[0-9A-Fa-f:.]+(?:%[\w.~-]+)?\]|\d+\.\d+\.\d+\.\d+|(?:[\w-]+\.)*[\w-]*[A-Za-z_-][\w-]*\.?)(?::(\d{1,5}))?",
    re.ASCII,
)
"""Host and port of an address. The last part of a name is no number."""
SCHEMES = ("rtsp", "rtsps", "http", "https", "mqtt", "mqtts", "file", "postgresql", "postgres")
UNPRINTABLE = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    0xDC00 + byte: f"\\x{byte:02x}" for byte in range(128, 256)
}
"""Escapes of control characters, and of the bytes that Python keeps of a name that is not UTF-8."""
LONGEST = 10_000
"""Characters that are examined, at most: a path has 4096, and a longer text takes time."""
_BEHIND = re.compile(r"[/?#\\]")
_NO_PATH = re.compile(
    r"[@?=&\\%\x00-\x1f]|//"  # characters of addresses
    r"|(?<!\d):|:(?!\d)"  # a colon that does not stand between two digits, as in 12:30.mp4
    r"|(^|/)\d+\.\d+\.\d+\.\d+"  # an IPv4 address
    r"|^(?![/.~])(?:[^/]*/)*\.*[^/.]+\.[^/]*/"  # a host name with a path
    r"|^(rtsp|http|mqtt)s?\b",
    re.IGNORECASE,
)


def shown(text: str) -> str:
    """Returns a source, address or path as it may be shown: an address as ``scheme://host:port/...``.

    What could be a piece of a password, because the text is mistyped, is left out.
    """
    if len(text) > LONGEST:
        return HIDDEN
    scheme, is_address, rest = text.partition("://")
    if not is_address:
        server = SERVER.fullmatch(text)
        is_known = (
            re.fullmatch(r"usb:\d*", text) or is_ip(text) or (server and is_ip(server[1])) or not _NO_PATH.search(text)
        )
        return text if is_known else HIDDEN
    if not get_close_matches(scheme.lower(), SCHEMES, 1):
        return HIDDEN
    if scheme.lower() == "file":
        return f"{scheme}://{HIDDEN if _NO_PATH.search(rest) else rest}"
    authority, behind = _split(rest)
    server = SERVER.fullmatch(authority.rpartition("@")[2])
    # an @ further behind: the authority may be the beginning of a login with a raw / or ? in its password
    if not server or ("@" in behind or "%40" in behind) and not is_ip(server[1]):
        return f"{scheme}://{HIDDEN}"
    # a short name with a port may be a user and a password of digits
    port = f":{server[2]}" if server[2] and (is_ip(server[1]) or "." in server[1] or server[1] == "localhost") else ""
    return f"{scheme}://{server[1]}{port}{f'/{HIDDEN}' if len(behind) > 1 else behind}"


def shown_path(path: Path) -> str:
    """Returns a path that somebody has named as it may be shown, whole if it or its folder exists, else like ``shown``.

    The root, the current folder and the one above it are no sign of a path: they exist for a mistyped address too.
    """
    folder_exists = path.parent.name not in ("", "..") and os.path.isdir(path.parent) and "@" not in path.name
    if folder_exists or os.path.lexists(path):
        return str(path)
    return shown(re.sub(r"^([A-Za-z]{2,6}):/+", r"\1://", str(path)))  # a Path has only one of two slashes


def printable(path: Path | str) -> str:
    """Returns a path as one line of text that any terminal, log or message can hold: other characters are escaped.

    A path that does not exist may be a mistyped address, whose password is left out.
    """
    return shown_path(Path(path)).translate(UNPRINTABLE)


def shown_file(path: str) -> str:
    """Returns the path of a secret file as it may be shown: somebody may have typed the secret instead."""
    return path if path.startswith(("/", "~/", "./")) and shown(path) == path else f"({HIDDEN} is not shown)"


def shown_program(path: str) -> str:
    """Returns the path of a program as it may be shown: arguments may stand in the same text, a password among them."""
    begin = path.split()[0]
    return shown(begin)[:80] + (f" {HIDDEN}" if begin != path else "")


def shown_name(key: str) -> str:
    """Returns the name of an option as it may be shown: somebody may have typed an address there."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", key) else HIDDEN


def server_of(address: str) -> str:
    """Returns host and port as they stand in an address; empty if the address has none that can be used."""
    server = _split(address.partition("://")[2])[0].rpartition("@")[2]
    return server if SERVER.fullmatch(server) else ""


def host_of(address: str) -> str:
    """Returns the host as it stands in an address; empty if the address has none that can be used."""
    server = SERVER.fullmatch(server_of(address))
    return server[1] if server else ""


def split_login(address: str) -> tuple[str, str, str]:
    """Splits an address into the address without login, the user and the password, both decoded.

    The last @ before the path ends the login, and its first colon ends the user, as in FFmpeg.
    """
    scheme, separator, rest = address.partition("://")
    authority, behind = _split(rest)
    login, _, server = authority.rpartition("@")
    user, _, password = login.partition(":")
    return f"{scheme}{separator}{server}{behind}", unquote(user), unquote(password)


def with_login(address: str, user: str, password: str) -> str:
    """Returns the address with a login, percent-encoded; a login that it has is replaced."""
    scheme, separator, rest = split_login(address)[0].partition("://")
    login = ":".join(quote(text, safe="!$&'()*+,;=") for text in (user, password) if text)
    return f"{scheme}{separator}{login}@{rest}"


def has_raw_characters(address: str) -> bool:
    """Returns whether the login of an address has a raw ``@`` or ``:``, or seems to have a raw ``/ # ?``."""
    login = _split(address.partition("://")[2])[0].rpartition("@")[0]
    return "@" in login or login.count(":") > 1 or is_ambiguous(address)


def is_ambiguous(address: str) -> bool:
    """Returns whether an address has no host, or may begin with a login that a raw ``/ # ?`` has cut off."""
    authority, behind = _split(address.partition("://")[2])
    server = SERVER.fullmatch(authority.rpartition("@")[2])
    if not server:
        return True
    short_name = "." not in server[1] and not is_ip(server[1])
    return "@" in behind and ":" in authority and "@" not in authority and short_name


def shown_server(parts: SplitResult) -> str:
    """Returns the host of a web address that takes a POST, for messages.

    An ``@`` behind it may end a login with a raw ``/`` in it, and the host be a piece of that login.
    """
    return "the server" if "@" in unquote(parts.path + parts.query) else str(parts.hostname)


def split_post_address(url: str) -> SplitResult:
    """Splits a web address that takes a POST. Raises ``ValueError`` with ``POST_ADDRESS`` for any other text."""
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError(f"must begin with http:// or https://; {POST_ADDRESS}")
    try:
        parts = urlsplit(url)
        known = parts.scheme in PORTS and parts.hostname and parts.port != 0
        known = known and ("@" in parts.netloc or not has_raw_characters(url))
    except ValueError:  # the text of the exception quotes a part of the address
        known = False
    if not known or not is_plain(url):
        raise ValueError(POST_ADDRESS)
    return parts


def is_plain(text: str) -> bool:
    """Returns whether a text has printable ASCII characters alone, and no space."""
    return text.isascii() and text.isprintable() and " " not in text


def _split(rest: str) -> tuple[str, str]:
    """Splits what follows ``://`` into login, host and port, and what is behind."""
    found = _BEHIND.search(rest)
    return (rest[: found.start()], rest[found.start() :]) if found else (rest, "")


def is_ip(host: str) -> bool:
    """Returns whether a host is an IP address, with or without brackets."""
    try:
        ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True
