"""The receiver in the guide to webhooks confirms what is signed, and nothing else."""

import os
import re
import socket
import sys

import pytest

from jobs.signing import new_secret, signed_headers
from service.addresses import AllowedHosts
from service.webhooks.sending import DeliveryError, send
from tests.processes import ROOT, Process, free_port, wait_until

BODY = b'{"type": "job.failed", "data": {"id": "0123456789abcdef"}}'


@pytest.fixture
def receiver(tmp_path):
    """Run the code of the guide on a free port; return its URL, its secret and its log."""
    guide = (ROOT / "docs" / "how-to" / "webhooks.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    port, secret, log = free_port(), new_secret(), tmp_path / "receiver.log"
    file = tmp_path / "receiver.py"
    file.write_text(code.replace("9000", str(port)))
    environment = {**os.environ, "WEBHOOK_SECRET": secret}
    process = Process([sys.executable, str(file)], environment, log)

    def listens():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    wait_until(listens, what="the receiver to listen")
    yield f"http://127.0.0.1:{port}/", secret, log
    process.kill_group()


def test_the_receiver_of_the_guide_checks_signatures(receiver):
    url, secret, log = receiver
    allowed = AllowedHosts("127.0.0.1")
    for wrong in (signed_headers([new_secret()], "1", BODY), {}):
        with pytest.raises(DeliveryError):
            send(url, wrong, BODY, allowed)
    assert send(url, signed_headers([new_secret(), secret], "1", BODY), BODY, allowed) == 204
    assert "job.failed 0123456789abcdef" in log.read_text()
