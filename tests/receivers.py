"""Receivers of webhooks: HTTP servers on loopback that keep what they get."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import NamedTuple

from standardwebhooks import Webhook


class Received(NamedTuple):
    """A request: its path, its headers with names in lower case, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self):
        return self.headers["webhook-id"]

    def verified(self, *secrets):
        """Check the signature with each secret, as a receiver does; return the message."""
        messages = [Webhook(secret).verify(self.body, self.headers) for secret in secrets]
        assert messages[1:] == messages[:-1]
        return messages[0]


class Receiver:
    """A running receiver.

    Attributes
    ----------
    requests
        All requests so far.
    answers
        Statuses of the next responses; 204 if there are none.
    location
        The header `Location` of all responses; None if they have none.
    open
        Responses wait until this event is set.
    """

    def __init__(self):
        self.requests, self.answers = [], []
        self.location = None
        self.open = Event()
        self.open.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(Received(self.path, headers, body))
                receiver.open.wait()
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.end_headers()

            def log_message(self, *arguments):
                pass

            def handle(self):
                try:
                    super().handle()
                except OSError:  # the client was killed
                    self.close_connection = True

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.address}/hook"


@contextmanager
def receiving():
    """Run a receiver."""
    receiver = Receiver()
    thread = Thread(target=receiver.server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.open.set()
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()
