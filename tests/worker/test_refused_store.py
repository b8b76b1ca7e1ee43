"""A job whose files the store refuses fails after a while, and says why."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from jobs.settings import Settings
from stepbox.training.presets import RECIPES
from tests.buckets import ACCESS
from worker.run import run_next_job
from worker.stores import Stores

EMPTY = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
REFUSED = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"


class Refusing(BaseHTTPRequestHandler):
    """An S3 server whose bucket can be listed, but neither read nor written."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        listing = self.command == "GET" and "list-type=2" in self.path
        body = EMPTY if listing else REFUSED
        self.send_response(200 if listing else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
    setattr(Refusing, f"do_{method}", Refusing.answer)


@pytest.fixture
def refusing():
    """Run such a server, and return its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_refused_job_fails_and_others_get_their_turn(redis_process, refusing, monkeypatch):
    for name, value in {**ACCESS, "AWS_ENDPOINT_URL": refusing}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STEPBOX_STORE", "s3://stepbox/lab")
    stores = Stores.of(Settings())
    recipe = RECIPES["mnist-numpy"].model_copy(update={"hidden_sizes": (2,), "epochs": 1})

    def submit(owner):
        return stores.jobs.submit(recipe, samples=60000, queue_limit=9, submitted_by=owner).id

    ids = [submit("alice"), submit("bob")]
    for _ in range(2):
        run_next_job(stores, "w")
    assert [stores.jobs.get(id).attempts for id in ids] == [1, 1]
    for _ in range(16):
        run_next_job(stores, "w")
    for id in ids:
        job = stores.jobs.get(id)
        assert (job.status, job.attempts) == ("failed", 9)
        assert job.error.detail.endswith("because the bucket answers 403 Forbidden (AccessDenied)")
