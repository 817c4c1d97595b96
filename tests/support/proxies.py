"""Real reverse proxies in front of a page: nginx and Caddy, with the examples of systemd/."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import ROOT, until
from support.brokers import free_port
from support.certificates import make_pair

NAME = "localhost"
"""The name under which the tests reach the proxy; the examples have door.example.org."""
NGINX = """\
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/maskwatch.conf;
}}
"""


class Proxy:
    """A proxy that serves the page at ``door_port`` over https at ``port``, in the foreground.

    ``change`` changes the example's text.
    """

    def __init__(self, kind: str, folder: Path, door_port: int, change: Callable[[str], str]) -> None:
        program = shutil.which(kind, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
        if program is None:
            pytest.skip(f"needs {kind}: sudo apt install {kind}{'-light' if kind == 'nginx' else ''}")
        self.port, self.folder = free_port(), folder / kind
        self.certificate, key = make_pair(self.folder, NAME)
        prepare = {"nginx": self._nginx, "caddy": self._caddy}[kind]
        command = prepare(program, door_port, key, change)
        environ = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        with (self.folder / "output").open("wb") as output:
            self._popen = subprocess.Popen(command, stdout=output, stderr=output, env=environ, start_new_session=True)
        until(self._is_open, lambda: f"{kind}; it printed {(self.folder / 'output').read_text()}")

    def _is_open(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _nginx(self, program: str, door_port: int, key: Path, change: Callable[[str], str]) -> list[str]:
        text = (ROOT / "systemd/nginx.conf").read_text()
        for old, new in (
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("server_name door.example.org", f"server_name {NAME}"),
            ("/etc/ssl/certs/door.example.org.pem", str(self.certificate)),
            ("/etc/ssl/private/door.example.org.key", str(key)),
            ("127.0.0.1:8080", f"127.0.0.1:{door_port}"),
        ):
            assert old in text
            text = text.replace(old, new)
        (self.folder / "maskwatch.conf").write_text(change(text))
        main = self.folder / "nginx.conf"
        main.write_text(NGINX.format(folder=self.folder, user=f"user {Path.home().owner()};"))
        return [program, "-p", str(self.folder), "-c", str(main), "-e", str(self.folder / "log")]

    def _caddy(self, program: str, door_port: int, key: Path, change: Callable[[str], str]) -> list[str]:
        text = (ROOT / "systemd/Caddyfile").read_text()
        site = f"https://{NAME}:{self.port} {{\n\tbind 127.0.0.1\n\ttls {self.certificate} {key}\n"
        for old, new in (("door.example.org {\n", site), ("127.0.0.1:8080", f"127.0.0.1:{door_port}")):
            assert old in text
            text = text.replace(old, new)
        file = self.folder / "Caddyfile"
        file.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + change(text))
        return [program, "run", "--adapter", "caddyfile", "--config", str(file)]

    def close(self) -> None:
        os.killpg(self._popen.pid, 9)  # asked to end, Caddy waits until every event stream has ended
        self._popen.wait(30)
