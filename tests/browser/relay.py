"""Relay TCP connections between a browser and the API, and interrupt them on request."""

import contextlib
import socket
from threading import Thread


class Relay:
    """Listens on a port, and forwards all data to and from another port."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._broken = False
        self._sockets: list[socket.socket] = []
        Thread(target=self._accept, daemon=True).start()

    def break_off(self) -> None:
        """Close all connections, and refuse new ones."""
        self._broken = True
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Accept connections again."""
        self._broken = False

    def close(self) -> None:
        """Close all connections and the port."""
        self.break_off()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._broken:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [client, server]
            if self._broken:  # since it was checked: `break_off` may not have seen these sockets
                self.break_off()
            for source, sink in ((client, server), (server, client)):
                Thread(target=self._pass_on, args=[source, sink], daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
