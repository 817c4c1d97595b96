"""systemd's end of a service's notifications."""

import socket
import threading
import time


class Systemd:
    """Its end of NOTIFY_SOCKET, by path or by abstract name: ``heard`` is what has come, unless it is ``deaf``.

    ``pinged_at`` is the moment of the last ping."""

    def __init__(self, address: str, deaf: bool = False) -> None:
        self.address = address
        self.heard: list[str] = []
        self.pinged_at = 0.0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        if not deaf:
            self._thread.start()

    def _listen(self) -> None:
        while message := self._socket.recv(4096).decode():
            self.heard.append(message)
            if message == "WATCHDOG=1":
                self.pinged_at = time.monotonic()

    def close(self) -> None:
        if self._thread.is_alive():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", "\0" + self.address[1:] if self.address.startswith("@") else self.address)
            self._thread.join(10)
        self._socket.close()
