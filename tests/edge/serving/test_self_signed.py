"""edge.serving.self_signed: a certificate that is made once for all names of this machine."""

import os
import socket
from pathlib import Path

import pytest
from support.commands import maskwatch as command
from support.users import NOBODY, open_folder, run_without_rights

from edge.config.load import load
from edge.serving.certificates import load_pair


def test_one_is_made_once_for_all_names_of_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    file.write_text('[web]\nenabled = true\nallowed_hosts = ["door.example.org", "*.example.net"]\n')
    file.chmod(0o640)
    done = command("set", "--config", file, "--web-certificate", "web.port=8443")
    assert done.returncode == 0 and b"was made" in done.stdout and b"https://127.0.0.1:8443/" in done.stdout, done
    web = load(file).web
    key, certificate = Path(web.key), Path(web.certificate)
    assert key.stat().st_mode & 0o777 == 0o640 and certificate.parent == tmp_path and web.port == 8443
    pair = load_pair(web.certificate, web.key)
    assert {"localhost", "127.0.0.1", "door.example.org", "*.example.net", socket.gethostname()} <= pair.names
    before = certificate.read_bytes()
    again = command("set", "--config", file, "--web-certificate")
    assert again.returncode == 0 and b"is still good" in again.stdout and certificate.read_bytes() == before
    command("set", "--config", file, "web.allowed_hosts=new.example.org")
    renewed = command("set", "--config", file, "--web-certificate")
    assert b"was made" in renewed.stdout and "new.example.org" in load_pair(web.certificate, web.key).names
    file.chmod(0o644)
    key.unlink()
    command("set", "--config", file, "--web-certificate")
    assert key.stat().st_mode & 0o777 == 0o600, "a configuration that everybody may read does not open the key"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to the service's group")
def test_root_gives_the_key_to_the_group_of_the_configuration() -> None:
    """As in /etc/maskwatch, whose files belong to root and the group of the service."""
    with open_folder() as folder:
        file = folder / "door.toml"
        file.write_text("[web]\n")
        file.chmod(0o640)
        os.chown(file, 0, NOBODY)
        assert command("set", "--config", file, "--web-certificate").returncode == 0
        web = load(file).web
        done = run_without_rights(
            "import ssl, sys",
            "ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*sys.argv[1:])",
            web.certificate,
            web.key,
        )
        assert done.returncode == 0 and Path(web.key).stat().st_mode & 0o777 == 0o640, done.stderr


def test_without_openssl_it_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    file.write_text("[web]\n")
    done = command("set", "--config", file, "--web-certificate", env={"PATH": str(tmp_path)})
    assert done.returncode == 2 and b"sudo apt install openssl" in done.stderr and b"Traceback" not in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["door.toml"]
