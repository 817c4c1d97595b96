"""Makes a certificate that this machine signs itself, so that the page can be served over https at once."""

import os
import socket
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

from ..addresses import is_ip
from ..config.web import WebConfig
from ..errors import ConfigError
from ..files import replace
from ..listening import own_addresses
from ..owners import as_owner
from .certificates import load_pair

DAYS = 825
"""Validity; phones refuse certificates that are valid for longer."""
RENEW_S = 30 * 86400
LIMIT_S = 60
REQUEST = """\
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = {common_name}
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""
"""It may sign itself (CA:TRUE), so that a phone can be told to trust it."""


def self_signed(beside: Path, web: WebConfig) -> tuple[Path, Path, bool]:
    """Returns the files of certificate and key beside a configuration file, and whether they were made now.

    A pair that is there is kept while it is valid for all names and addresses of this machine, so that nobody has to
    trust another one. Raises ``ConfigError`` if it cannot be made.
    """
    certificate, key = (beside.absolute().with_name(f"{beside.stem}.web.{ending}") for ending in ("crt", "key"))
    names = names_of(web)
    if as_owner(certificate, partial(_serves, certificate, key, names), ConfigError):
        return certificate, key, False
    as_owner(certificate, partial(_write, (certificate, key), _made(names), beside), ConfigError)
    return certificate, key, True


def _write(files: tuple[Path, Path], content: tuple[bytes, bytes], beside: Path) -> None:
    certificate = files[0]
    try:
        for file, text in zip(files, content, strict=True):
            replace(file, text)
            _give(file, beside, public=file == certificate)
    except OSError as error:
        raise ConfigError(f"{certificate.parent}: the certificate cannot be written there: {error.strerror}") from error


def names_of(web: WebConfig) -> list[str]:
    """Returns the names and addresses under which a browser may open the page."""
    name = socket.gethostname().lower()
    given = [entry.strip("[]").rstrip(".") for entry in (web.host, *web.allowed_hosts)]
    everywhere = ("0.0.0.0", "::", "")
    names = [name, f"{name.partition('.')[0]}.local", "localhost", "127.0.0.1", "::1", *own_addresses(), *given]
    return list(dict.fromkeys(entry.partition("%")[0] for entry in names if entry not in everywhere))


def _serves(certificate: Path, key: Path, names: list[str]) -> bool:
    try:
        pair = load_pair(str(certificate), str(key))
    except ConfigError:
        return False
    known = {_normal(name) for name in pair.names}
    return pair.expires > time.time() + RENEW_S and all(_normal(name) in known for name in names)


def _normal(name: str) -> str:
    """Writes an address in one way: certificates have IPv6 addresses in capitals and in full."""
    return socket.inet_pton(socket.AF_INET6, name).hex() if ":" in name else name.lower()


def _made(names: list[str]) -> tuple[bytes, bytes]:
    """Returns a new certificate and its key."""
    alternatives = ",".join(f"{'IP' if is_ip(name) else 'DNS'}:{name}" for name in names)
    with tempfile.TemporaryDirectory() as folder:
        request, key, certificate = (Path(folder) / name for name in ("request", "key", "certificate"))
        request.write_text(REQUEST.format(common_name=names[0][:64], names=alternatives), "utf-8")
        command: list[str | Path] = [
            "openssl",
            "req",
            "-x509",
            "-config",
            request,
            "-days",
            str(DAYS),
            "-nodes",
            "-newkey",
            "ec",
        ]
        files: list[str | Path] = ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", key, "-out", certificate]
        try:
            subprocess.run([*command, *files], check=True, capture_output=True, timeout=LIMIT_S)
            return certificate.read_bytes(), key.read_bytes()
        except FileNotFoundError:
            raise ConfigError(
                "the program openssl is missing (sudo apt install openssl); or name a certificate and its key: "
                "maskwatch set --web-certificate CERTIFICATE KEY"
            ) from None
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or b"").decode("utf-8", "replace").strip().splitlines()
            raise ConfigError(f"openssl makes no certificate: {said[-1] if said else error}") from None


def _give(file: Path, beside: Path, *, public: bool) -> None:
    """Gives a new file to those who may read the configuration file; a key never to everybody."""
    status = beside.stat()
    for_group = 0o040 if not status.st_mode & 0o004 else 0  # as in /etc/maskwatch: the group is the service's
    mode = 0o644 if public else 0o600 | status.st_mode & for_group
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.geteuid() == 0:
            os.fchown(descriptor, status.st_uid, status.st_gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
