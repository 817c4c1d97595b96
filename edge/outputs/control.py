"""Lets ``maskwatch test-output`` ask the running process to fire an output: by a socket in the state folder.

Only the user of the process, and root, can connect. A request is the name of an output, and the answer is JSON with the
``problem``, or null if the output has fired, and whether it is ``muted``.
"""

import json
import logging
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..addresses import UNPRINTABLE, printable
from ..errors import OutputError

log = logging.getLogger(__name__)
CHECK_S = 5.0
"""Seconds between two looks whether the socket is in place: the state folder may be moved, or not be writable yet."""
REQUEST_S = 1.0
"""Seconds in which a request must arrive once somebody has connected. The next one waits meanwhile."""
ANSWER_S = 60.0
"""Seconds for which an answer is waited for. A webhook or program has 40 s; if the process ends, so does the wait."""
LONGEST_REQUEST, LONGEST_ANSWER = 256, 8192
"""Bytes of a message, at most. Linux cuts a longer one."""
LONGEST_PROBLEM = 1000
"""Characters of a problem, at most; JSON needs up to 6 bytes for one."""
ROOT = 0


class Control:
    """Takes requests at a socket. Owns the thread ``outputs-control``.

    ``fire`` fires an output by its name, and returns whether it is muted; it may block for as long as that takes, and
    raises ``OutputError``. A socket that cannot be made is no error: it is logged, and tried again.
    """

    def __init__(self, path: Path, fire: Callable[[str], bool], check: float = CHECK_S) -> None:
        self._path = path
        self._fire = fire
        self._check = check
        self._listener: socket.socket | None = None
        self._file: os.stat_result | None = None
        self._problem: str | None = None
        self._closing = False
        self._waker, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="outputs-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Takes no more requests. One that is being answered does not hold this up for more than a second."""
        self._closing = True
        self._waker.close()
        self._thread.join(1.0)

    # Everything below runs in the thread ``outputs-control``.

    def _run(self) -> None:
        while not self._closing:
            try:
                self._follow()
                if self._listener is not None and self._wait(self._listener):
                    with self._listener.accept()[0] as connection:
                        self._serve(connection)
                elif self._listener is None:
                    self._wait()
            except OSError as error:  # of one connection
                log.debug("a request for a test of an output failed: %s", error)
            except Exception:  # the thread must outlive every single request
                log.exception("a test of an output failed")
        self._leave()
        self._wake.close()

    def _wait(self, listener: socket.socket | None = None) -> bool:
        """Waits for ``check`` seconds, or the end; returns early and True if somebody connects."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        if listener is not None:
            poll.register(listener, select.POLLIN)
        events = poll.poll(self._check * 1000)
        return listener is not None and not self._closing and listener.fileno() in dict(events)

    def _follow(self) -> None:
        """Makes the socket unless it is in place. Logs why it cannot be made, once."""
        if self._listener is not None and self._is_in_place():
            return
        self._leave()
        try:
            self._listener = _listening(self._path)
            self._file = os.lstat(self._path)
            self._problem = None
        except OSError as error:
            if error.strerror != self._problem:
                self._problem = error.strerror
                log.warning(
                    "maskwatch test-output cannot reach this process, because %s cannot be made: %s",
                    printable(self._path), error.strerror,
                )  # fmt: skip

    def _is_in_place(self) -> bool:
        with suppress(OSError):
            return self._file is not None and os.path.samestat(os.lstat(self._path), self._file)
        return False

    def _leave(self) -> None:
        if self._listener is None:
            return
        if self._is_in_place():
            with suppress(OSError):
                os.unlink(self._path)
        self._listener.close()
        self._listener = None

    def _serve(self, connection: socket.socket) -> None:
        """Answers one request."""
        connection.settimeout(REQUEST_S)
        if _user_of(connection) not in (os.geteuid(), ROOT):
            return
        request = connection.recv(LONGEST_REQUEST)
        if not request:
            return
        muted, problem = False, None
        try:
            muted = self._fire(request.decode("utf-8", "replace"))
        except OutputError as error:
            problem = str(error)[:LONGEST_PROBLEM]
        connection.send(json.dumps({"problem": problem, "muted": muted}).encode())


def ask(path: Path, name: str) -> bool:
    """Asks the process whose socket this is to fire an output; returns whether that is muted.

    Raises ``OutputError`` if it does not work.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(ANSWER_S)
        try:
            with _address(path) as address:
                connection.connect(address)
            connection.send(name.encode("utf-8", "replace")[:LONGEST_REQUEST])
            answer = connection.recv(LONGEST_ANSWER)
        except OSError as error:
            raise OutputError(
                f"maskwatch is running, and does not take a test at {printable(path)}: {error.strerror or error}; "
                "restart it if outputs were configured since it was started"
            ) from error
    try:
        answered = json.loads(answer)
        problem, muted = answered["problem"], answered["muted"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise OutputError("maskwatch ended before it answered") from None
    if problem is not None:
        raise OutputError(str(problem).translate(UNPRINTABLE))
    return bool(muted)


def _listening(path: Path) -> socket.socket:
    """Returns a socket that listens at a path; one that an earlier run left there is replaced. Raises ``OSError``."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        os.fchmod(listener.fileno(), 0o600)  # the file that bind makes has these rights from its first moment
        with suppress(FileNotFoundError):
            os.unlink(path)
        with _address(path) as address:
            listener.bind(address)
        listener.listen(4)
        listener.setblocking(False)  # who has connected may have gone
        return listener
    except BaseException:
        listener.close()
        raise


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Gives a short address of a path: that of a socket has 107 bytes at most, and a state folder may be deep."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _user_of(connection: socket.socket) -> int:
    """Returns the user id of who has connected, as the kernel knows it."""
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(user)
