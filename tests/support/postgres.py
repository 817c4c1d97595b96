"""A real PostgreSQL on a free port of the loopback interface, as a user without rights: it refuses to run as root."""

import glob
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support import until
from support.brokers import free_port
from support.users import NOBODY

USER, PASSWORD = "maskwatch", "opensesame"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "30",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "fsync": "off",  # kills lose nothing by that, and a start after one takes 0.2 s instead of 6 s
}


class Postgres:
    """A server that can be killed and started again. ``new_database`` makes a database of the user ``maskwatch``."""

    def __init__(self) -> None:
        self.port = free_port()
        self._programs = programs()
        self._folder = Path(tempfile.mkdtemp(prefix="maskwatch-postgres-"))
        self._data = self._folder / "data"
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            os.chown(self._folder, NOBODY, NOBODY)
            self._as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None
        self._make()

    def _make(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run("initdb", "--no-sync", "--auth=scram-sha-256", "--username=admin", f"--pwfile={password}")
        text = "".join(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
        self.configure(f"{text}port = {self.port}\nunix_socket_directories = '{self._folder}'\n")

    def configure(self, text: str) -> None:
        """Adds lines to the configuration; they take effect at the next start."""
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(text)

    def use_certificate(self, certificate: Path, key: Path) -> None:
        """Makes the server take TLS from its next start on."""
        for file, name in ((certificate, "server.crt"), (key, "server.key")):
            shutil.copy(file, self._data / name)
            (self._data / name).chmod(0o600)
            if self._as_user:
                os.chown(self._data / name, NOBODY, NOBODY)
        self.configure("ssl = on\n")

    def start(self) -> "Postgres":
        if self._process is None:
            log = (self._folder / "log").open("ab")
            command = [self._programs / "postgres", "-D", self._data]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, **self._as_user)
            until(self._answers, "PostgreSQL starts", 30, 0.05)
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server does not run"
        return self._process.pid

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def kill(self) -> None:
        """Kills the server and all of its processes at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def hang(self) -> None:
        """Stops the server and all of its processes where they are: connections stay, and nothing is answered."""
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        """Ends ``hang``."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        for process in (str(self.pid), *self._children()):
            with suppress(ProcessLookupError):
                os.kill(int(process), number)

    def _children(self) -> list[str]:
        return Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()

    def stop(self) -> None:
        """Ends the server, and all connections."""
        self._end(signal.SIGINT)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def address(self, database: str, user: str = USER, password: str = PASSWORD, more: str = "") -> str:
        """The address of a database, as people write it."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}{more}"

    def sql(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Runs statements as the administrator; returns what the last one finds."""
        rows: list[tuple[Any, ...]] = []
        with psycopg.connect(self.address(database, "admin"), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def new_database(self, name: str = "") -> str:
        """Makes an empty database that the user ``maskwatch`` owns; returns its name."""
        name = name or f"d{secrets.token_hex(4)}"
        if not self.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{USER}'"):
            self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        self.sql(f"CREATE DATABASE {name} OWNER {USER}")
        return name

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._programs / program, "-D", self._data, *arguments]
        done = subprocess.run(command, capture_output=True, cwd=self._folder, timeout=60, **self._as_user)
        assert done.returncode == 0, done.stderr.decode()

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, f"PostgreSQL has ended: {self.log}"
        try:
            psycopg.connect(self.address("postgres", "admin"), connect_timeout=2).close()
            return True
        except psycopg.OperationalError:
            return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            if how == signal.SIGKILL:  # the children notice a killed parent by themselves, a moment later
                children = self._children()
                self._process.kill()
                for child in children:
                    with suppress(ProcessLookupError):
                        os.kill(int(child), signal.SIGKILL)
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None


def programs() -> Path:
    """The folder with Debian's server programs, which are not on the path. Skips the test where there are none."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda name: int(name.split("/")[4]))
    if not found:
        pytest.skip("PostgreSQL is not installed (sudo apt install postgresql)")
    return Path(found[-1]).parent
