"""An HTTP server that takes texts for a phone, as ntfy does."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.brokers import free_port


class Server:
    """Answers every POST with the status ``code``; ``texts`` are the paths and bodies that it has accepted."""

    def __init__(self) -> None:
        self.port, self.code, self.texts = free_port(), 200, list[tuple[str, str]]()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> "Server":
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if outer.code == 200:
                    outer.texts.append((self.path, text))
                self.send_response(outer.code)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/secret-door"
