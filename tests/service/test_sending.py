"""A message is one POST request to a checked address, with a deadline."""

import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import pytest

from jobs.signing import new_secret, parse_secrets, signed_headers
from service import addresses
from service.addresses import AllowedHosts, Target
from service.webhooks import sending
from service.webhooks.sending import DeliveryError, send
from tests.processes import ROOT, Process, free_port, wait_until
from tests.receivers import receiving

LOOPBACK = AllowedHosts("127.0.0.1, localhost, ::1")


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def test_a_message_arrives_with_its_signature(receiver):
    secrets = [new_secret(), new_secret()]
    body = '{"type": "job.failed", "data": "ß"}'.encode()
    url = receiver.url + "?team=1&x=%20"
    assert send(url, signed_headers(secrets, "0123", body), body, LOOPBACK) == 204
    (received,) = receiver.requests
    assert (received.path, received.id, received.body) == ("/hook?team=1&x=%20", "0123", body)
    assert received.verified(*secrets)["data"] == "ß"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == receiver.address
    with pytest.raises(Exception, match="No matching signature"):
        received.verified(new_secret())
    with pytest.raises(Exception, match="No matching signature"):
        received._replace(body=body + b" ").verified(secrets[0])


@pytest.mark.parametrize("status", [200, 302, 307, 404, 410, 500])
def test_the_status_is_that_of_the_response_itself(receiver, status):
    with receiving() as other:
        receiver.location = other.url
        receiver.answers = [status]
        assert send(receiver.url, {}, b"{}", LOOPBACK) == status
        assert not other.requests


def test_an_address_that_is_not_allowed_gets_no_connection(receiver):
    for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(DeliveryError, match=r"not a public address.*STEPBOX_WEBHOOK_ALLOW"):
            send(url, {}, b"{}", AllowedHosts("127.0.0.1:1"))
    assert not receiver.requests


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(receiver, monkeypatch):
    """The checked address is a closed port of an allowed one; the other one is the receiver."""
    port = receiver.server.server_port
    checked = Target(socket.AF_INET, ("127.0.0.2", port))
    answers = [[checked], [Target(socket.AF_INET, ("127.0.0.1", port))]]
    monkeypatch.setattr(addresses, "look_up", lambda *_: answers.pop(0))
    allowed = AllowedHosts("127.0.0.2")
    with pytest.raises(DeliveryError, match="the connection failed"):
        send(f"http://rebinding.example:{port}/", {}, b"{}", allowed)
    assert len(answers) == 1
    with pytest.raises(DeliveryError, match=r"is 127\.0\.0\.1, which is not a public address"):
        send(f"http://rebinding.example:{port}/", {}, b"{}", allowed)
    assert not receiver.requests


def test_the_next_address_is_tried_if_one_refuses(receiver, monkeypatch):
    port = receiver.server.server_port
    found = [Target(socket.AF_INET, (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(addresses, "look_up", lambda *_: found)
    assert send(f"http://two.example:{port}/", {}, b"{}", AllowedHosts("two.example")) == 204


def test_an_address_that_does_not_answer_leaves_time_for_the_next(receiver, monkeypatch):
    port = receiver.server.server_port
    with socket.socket() as silent, socket.socket() as waiting:
        silent.bind(("127.0.0.2", port))
        silent.listen(0)
        waiting.connect(silent.getsockname())  # the queue is full: the next one gets no answer
        found = [Target(socket.AF_INET, (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(addresses, "look_up", lambda *_: found)
        monkeypatch.setattr(sending, "TIMEOUT_S", 4)
        assert send(f"http://two.example:{port}/", {}, b"{}", AllowedHosts("two.example")) == 204


def test_proxies_of_the_environment_are_not_used(receiver, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert send(receiver.url, {}, b"{}", LOOPBACK) == 204


@contextmanager
def talking(talk):
    """Run a server that calls `talk` with its first connection, after the request."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run():
            connection, _ = server.accept()
            with connection:
                connection.recv(2**16)
                with suppress(OSError):  # the client has closed the connection
                    talk(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (b"", "the response is not HTTP"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the response is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10**6, "the response is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n", "the response is not HTTP"),
    ],
)
def test_what_is_no_response_is_an_error(response, message):
    with (
        talking(lambda connection: connection.sendall(response)) as url,
        pytest.raises(DeliveryError, match=message),
    ):
        send(url, {}, b"{}", LOOPBACK)


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nbegins",
        b"HTTP/1.0 200 \r\n\r\n",
    ],
)
def test_only_the_status_counts(response):
    with talking(lambda connection: connection.sendall(response)) as url:
        assert send(url, {}, b"{}", LOOPBACK) == 200


def trickle(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x")
        threading.Event().wait(0.01)


def wait_for_end(connection):
    connection.recv(1)


@pytest.mark.parametrize("talk", [wait_for_end, trickle])
def test_a_slow_receiver_has_a_deadline(talk, monkeypatch):
    monkeypatch.setattr(sending, "TIMEOUT_S", 0.3)
    with talking(talk) as url, pytest.raises(DeliveryError, match=r"no response within 0\.3 s"):
        send(url, {}, b"{}", LOOPBACK)


def test_nobody_listens(receiver):
    with pytest.raises(DeliveryError, match="the connection failed: Connection refused"):
        send(f"http://127.0.0.1:{free_port()}/", {}, b"{}", LOOPBACK)
    with pytest.raises(DeliveryError, match="has no address"):
        send("http://nowhere.invalid/", {}, b"{}", LOOPBACK)


@pytest.fixture
def secured(receiver, tmp_path):
    """Run a relay that accepts TLS for localhost only; return its port and the folder."""
    certificates, port = tmp_path / "tls", free_port()
    subprocess.run([ROOT / "bin" / "redis-certificates", certificates, "localhost"], check=True)
    command = [sys.executable, "-m", "tests.tls_relay", "127.0.0.1", str(port)]
    target = str(receiver.server.server_port)
    process = Process(
        [*command, target, str(certificates)], dict(os.environ), tmp_path / "relay.log"
    )

    def listens():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    wait_until(listens, what="the relay to listen")
    yield port, certificates
    process.kill_group()


def test_the_certificate_must_be_of_the_host(receiver, secured, monkeypatch):
    port, certificates = secured
    to_name, to_address = f"https://localhost:{port}/hook", f"https://127.0.0.1:{port}/hook"
    with pytest.raises(DeliveryError, match="the certificate is not valid"):
        send(to_name, {}, b"{}", AllowedHosts("localhost"))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.crt"))
    assert send(to_name, {}, b"{}", AllowedHosts("localhost")) == 204
    with pytest.raises(DeliveryError, match="the certificate is not valid: IP address mismatch"):
        send(to_address, {}, b"{}", LOOPBACK)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "secret",
    ["whsec_", "whsec_c2hvcnQ=", "c2hvcnQ" * 8, "whsec_" + "ß" * 40, "whsec_" + "A" * 200, "whsec"],
)
def test_a_secret_of_another_form_is_rejected(secret):
    with pytest.raises(ValueError, match="24 to 64 random bytes") as caught:
        parse_secrets(f"{new_secret()},{secret}")
    assert secret[6:] == "" or secret[6:] not in str(caught.value)


def test_several_secrets_are_separated_by_commas():
    secrets = [new_secret(), new_secret()]
    assert parse_secrets(", ".join(secrets)) == secrets
