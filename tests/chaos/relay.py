"""A TCP relay between a client and a broker, for faults of the network."""

import socket
import threading
from contextlib import suppress


class Relay:
    """Listens on ``port`` and forwards to the port ``target``. ``sent`` is all data that clients have sent.

    ``drops_from_broker`` discards data of the broker, ``drops_from_client`` data of the client. A connection on which
    a client sends ``poison`` is ended at once.
    """

    def __init__(self, target: int) -> None:
        self.sent = bytearray()
        self.drops_from_broker = self.drops_from_client = False
        self.poison: bytes | None = None
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._lost: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    broker = socket.create_connection(("127.0.0.1", self._target), 5)
                except OSError:
                    client.close()
                    continue
                self._open += [client, broker]
                for source, sink, up in ((client, broker, True), (broker, client, False)):
                    threading.Thread(target=self._pump, args=(source, sink, up), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        with suppress(OSError):
            source.settimeout(None)
            while data := source.recv(65536):
                if up:
                    self.sent += data
                    if self.poison is not None and self.poison in data:
                        break
                if source not in self._lost and not (self.drops_from_client if up else self.drops_from_broker):
                    sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def lose_connections(self) -> None:
        """Discards all data of the connections that are open now, without ending them."""
        self._lost.update(self._open)

    def close(self) -> None:
        for connection in (self._listener, *self._open):
            connection.close()
