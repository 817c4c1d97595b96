"""The socket by which another process has an output fired: real sockets, and real processes of other users."""

import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support import until

from edge.errors import OutputError
from edge.outputs.control import Control, ask

OTHER = 65534
"""User id of nobody."""


class Outputs:
    """Notes what was fired; an output ``broken`` does not work, and one is ``muted``."""

    def __init__(self) -> None:
        self.fired: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def fire(self, name: str) -> bool:
        self.gate.wait(30)
        if name == "broken":
            raise OutputError("output broken: the pin is busy\n\x1b[31m")
        if name == "bug":
            raise ZeroDivisionError
        self.fired.append(name)
        return name == "muted"


@pytest.fixture
def outputs() -> Outputs:
    return Outputs()


@pytest.fixture
def serve(outputs: Outputs) -> Iterator[Callable[[Path], Path]]:
    """Serves at a path until the end of the test, and looks after its socket every 20 ms."""
    made: list[Control] = []

    def start(path: Path) -> Path:
        made.append(Control(path, outputs.fire, check=0.02))
        return path

    yield start
    outputs.gate.set()
    for control in made:
        control.close()


def answers(path: Path) -> bool:
    with suppress(OutputError):
        ask(path, "lamp")
        return True
    return False


def there(path: Path) -> Path:
    until(path.is_socket, "the socket", pause=0.005)
    return path


def test_an_output_is_fired_and_a_problem_comes_back_as_one_line(
    serve: Callable[[Path], Path], outputs: Outputs, tmp_path: Path
) -> None:
    path = there(serve(tmp_path / "control"))
    assert not ask(path, "lamp") and ask(path, "muted")
    assert outputs.fired == ["lamp", "muted"]
    with pytest.raises(OutputError, match="the pin is busy") as raised:
        ask(path, "broken")
    assert str(raised.value).isprintable()
    with pytest.raises(OutputError, match="before it answered"):
        ask(path, "bug")
    ask(path, "lamp")


def test_only_its_user_can_connect_from_the_first_moment_on(serve: Callable[[Path], Path], tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = there(serve(tmp_path / "control"))
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_not_served_even_where_the_rights_were_changed(
    serve: Callable[[Path], Path], outputs: Outputs, tmp_path: Path
) -> None:
    path = there(serve(tmp_path / "control"))
    tmp_path.chmod(0o711)
    folder = os.open(tmp_path, os.O_PATH)
    try:
        for rights, what in ((0o600, b"refused"), (0o666, b"nothing")):
            os.chmod(path, rights)
            assert _as_nobody(folder, path.name) == what
    finally:
        os.close(folder)
    assert outputs.fired == []
    ask(path, "lamp")


def _as_nobody(folder: int, name: str) -> bytes:
    """Asks as another user; returns "refused", "nothing" or the answer."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        answer = b"nothing"
        try:
            os.fchdir(folder)
            os.setgroups([])
            os.setresgid(OTHER, OTHER, OTHER)
            os.setresuid(OTHER, OTHER, OTHER)
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
                connection.settimeout(20)
                connection.connect(name)
                connection.send(b"lamp")
                answer = connection.recv(100) or b"nothing"
        except PermissionError:
            answer = b"refused"
        except OSError:  # the end of the connection
            pass
        finally:
            os.write(writer, answer)
            os._exit(0)
    os.close(writer)
    answer = os.read(reader, 100)
    os.close(reader)
    os.waitpid(child, 0)
    return answer


def test_a_folder_may_be_as_deep_as_any(serve: Callable[[Path], Path], outputs: Outputs, tmp_path: Path) -> None:
    folder = tmp_path / ("f" * 200) / ("g" * 200)
    folder.mkdir(parents=True)
    ask(there(serve(folder / "control")), "lamp")
    assert outputs.fired == ["lamp"]


def test_what_a_killed_process_left_is_replaced_and_the_end_leaves_nothing(outputs: Outputs, tmp_path: Path) -> None:
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as left:
        left.bind(str(path))
    with pytest.raises(OutputError, match=r"does not take a test at .*control: Connection refused"):
        ask(path, "lamp")
    control = Control(path, outputs.fire)
    until(lambda: answers(path))
    start = time.monotonic()
    control.close()
    assert time.monotonic() - start < 3 and not path.exists()
    with pytest.raises(OutputError, match="restart it if outputs were configured since"):
        ask(path, "lamp")


def test_a_folder_that_cannot_be_used_is_named_once_and_tried_again(
    serve: Callable[[Path], Path], outputs: Outputs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = serve(tmp_path / "later" / "control")
    until(lambda: caplog.records)
    time.sleep(0.1)
    (record,) = caplog.records
    assert record.getMessage().endswith("later/control cannot be made: No such file or directory")
    path.parent.mkdir()
    ask(there(path), "lamp")
    os.rename(path.parent, tmp_path / "moved")
    path.parent.mkdir()
    ask(there(path), "siren")
    assert outputs.fired == ["lamp", "siren"]


def test_who_connects_and_says_nothing_or_nonsense_keeps_nobody_out(
    serve: Callable[[Path], Path], outputs: Outputs, tmp_path: Path
) -> None:
    path = there(serve(tmp_path / "control"))
    silent = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    silent.connect(str(path))
    for request in (b"\xff" * 200, b"", b"x" * 100_000):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(str(path))
            connection.send(request)
    ask(path, "lamp")
    silent.close()
    assert outputs.fired[-1] == "lamp" and all(len(name) <= 256 for name in outputs.fired)


def test_the_end_does_not_wait_for_a_test(outputs: Outputs, tmp_path: Path) -> None:
    control = Control(tmp_path / "control", outputs.fire)
    outputs.gate.clear()
    asked = threading.Thread(target=lambda: ask(there(tmp_path / "control"), "lamp"))
    asked.start()
    time.sleep(0.1)
    start = time.monotonic()
    control.close()
    assert time.monotonic() - start < 3
    outputs.gate.set()
    asked.join(20)
    assert not asked.is_alive()
