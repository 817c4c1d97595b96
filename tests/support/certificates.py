"""Certificates made with the program openssl."""

import subprocess
from pathlib import Path


def make_pair(folder: Path, name: str = "localhost", days: int = 30, passphrase: str = "") -> tuple[Path, Path]:
    """Makes a certificate for ``name`` and 127.0.0.1 signed by itself, and its key; -1 ``days``: it has expired."""
    folder.mkdir(parents=True, exist_ok=True)
    key, request, certificate, extensions = (folder / f"{name}.{ending}" for ending in ("key", "csr", "crt", "txt"))
    extensions.write_text(f"subjectAltName = DNS:{name}, IP:127.0.0.1\n")
    secret = ["-passout", f"pass:{passphrase}"] if passphrase else ["-nodes"]
    _openssl("req", "-newkey", "rsa:2048", *secret, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
    given = ["-passin", f"pass:{passphrase}"] if passphrase else []
    signed = ["-signkey", key, *given, "-days", str(days), "-extfile", extensions]
    _openssl("x509", "-req", "-in", request, *signed, "-out", certificate)
    key.chmod(0o600)
    return certificate, key


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60)
