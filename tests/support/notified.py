"""The socket on which systemd receives a service's notifications."""

import socket
import threading
import time


class Systemd:
    """Receives the messages sent to NOTIFY_SOCKET, a path or an abstract name, in a thread of its own.

    ``messages`` are those received so far, ``pinged_at`` is the time of the last watchdog ping. Without ``reads`` it
    receives nothing, so that the socket's queue fills.
    """

    def __init__(self, address: str, reads: bool = True) -> None:
        self.address = address
        self.messages: list[str] = []
        self.pinged_at = 0.0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        if reads:
            self._thread.start()

    def _listen(self) -> None:
        while message := self._socket.recv(4096).decode():
            self.messages.append(message)
            if message == "WATCHDOG=1":
                self.pinged_at = time.monotonic()

    def close(self) -> None:
        if self._thread.is_alive():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", "\0" + self.address[1:] if self.address.startswith("@") else self.address)
            self._thread.join(10)
        self._socket.close()
