"""Send a message to a webhook: one POST request, whose response counts by its status alone."""

import socket
import ssl
from collections.abc import Mapping, Sequence
from time import monotonic
from urllib.parse import SplitResult, urlsplit

import h11

from service.addresses import AllowedHosts, ForbiddenAddressError, Target
from stepbox import __version__
from stepbox.errors import InvalidInputError, StepboxError

TIMEOUT_S = 15  # for everything but the resolver
READ_BYTES = 4096
PORTS = {"http": 80, "https": 443}


class DeliveryError(StepboxError):
    """A message did not reach a webhook, or got no response."""


def address_of(url: SplitResult) -> tuple[str, int]:
    """Return the host and the port of an http or https URL."""
    return url.hostname or "", url.port or PORTS[url.scheme]


def check_webhook(url: str, allowed: AllowedHosts) -> None:
    """Check the URL of a webhook before anything is sent there. A name is checked when it is.

    Raises
    ------
    InvalidInputError
        Its host is an address that is neither public nor allowed.
    """
    try:
        allowed.check_literal(*address_of(urlsplit(url)))
    except ForbiddenAddressError as error:
        raise InvalidInputError.at(
            "/webhook", f"{error}, and the operator does not allow it (STEPBOX_WEBHOOK_ALLOW)"
        ) from None


def send(url: str, headers: Mapping[str, str], body: bytes, allowed: AllowedHosts) -> int:
    """Send a message and return the status of the response. Redirects are not followed.

    Parameters
    ----------
    url
        Of the webhook.
    headers
        Besides those that each request has.
    body
        Of the request.
    allowed
        Says which addresses a connection may go to.

    Raises
    ------
    DeliveryError
        There was no response. The message says why.
    """
    parts = urlsplit(url)
    try:
        return _send(parts, headers, body, allowed)
    except TimeoutError:
        raise DeliveryError(f"there was no response within {TIMEOUT_S} s") from None
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError(f"the certificate is not valid: {error.verify_message}") from None
    except socket.gaierror as error:
        raise DeliveryError(f"{parts.hostname} has no address: {error.strerror}") from None
    except h11.RemoteProtocolError:  # its message has a part of the response
        raise DeliveryError("the response is not HTTP") from None
    except OSError as error:
        raise DeliveryError(f"the connection failed: {error.strerror or error}") from None
    except ForbiddenAddressError as error:
        raise DeliveryError(f"{error} (STEPBOX_WEBHOOK_ALLOW)") from None


def _send(url: SplitResult, headers: Mapping[str, str], body: bytes, allowed: AllowedHosts) -> int:
    host, port = address_of(url)
    targets = allowed.resolve(host, port)
    deadline = monotonic() + TIMEOUT_S
    with _connect(targets, deadline) as connection:
        if url.scheme == "http":
            return _exchange(connection, deadline, url, headers, body)
        context = ssl.create_default_context()
        _limit(connection, deadline)
        with context.wrap_socket(connection, server_hostname=host) as secured:
            return _exchange(secured, deadline, url, headers, body)


def _connect(targets: Sequence[Target], deadline: float) -> socket.socket:
    """Connect to the first address that accepts a connection.

    Each one gets an equal share of the time that is left, so one that does not answer leaves some
    to the next ones.
    """
    for number, (family, address) in enumerate(targets):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            now = monotonic()
            _limit(connection, now + (deadline - now) / (len(targets) - number))
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure


def _exchange(
    connection: socket.socket,
    deadline: float,
    url: SplitResult,
    headers: Mapping[str, str],
    body: bytes,
) -> int:
    """Send the request, and return the status of the response, whose body is not read."""
    request = h11.Request(
        method="POST",
        target=f"{url.path or '/'}{'?' if url.query else ''}{url.query}",
        headers=[
            ("Host", url.netloc),
            ("User-Agent", f"Stepbox/{__version__}"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *headers.items(),
        ],
    )
    protocol = h11.Connection(h11.CLIENT)
    events = (request, h11.Data(body), h11.EndOfMessage())
    _limit(connection, deadline)
    connection.sendall(b"".join(protocol.send(event) or b"" for event in events))
    while True:
        event = protocol.next_event()
        if isinstance(event, h11.Response):
            return event.status_code
        if event is h11.NEED_DATA:
            _limit(connection, deadline)
            protocol.receive_data(connection.recv(READ_BYTES))


def _limit(connection: socket.socket, deadline: float) -> None:
    """Let the next operation end at the deadline; raise TimeoutError if it is over."""
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
