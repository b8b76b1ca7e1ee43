"""What needs no server: answers, events, pauses and settings."""

import asyncio
import json
import subprocess
import sys

import httpx
import pytest

from stepbox.client import Answer, AsyncClient, Client, following
from stepbox.client.answers import FINAL, Card, JobPage, JobRecord
from stepbox.client.errors import ClientError, UnreachableError
from stepbox.client.events import Decoder
from stepbox.client.repeating import pause_before_repeating
from stepbox.client.requests import maybe, of
from stepbox.errors import InvalidInputError

STREAM = (
    "retry: 2000\n\n"
    'id: 1-0\nevent: status\ndata: {"status": "running", "title": "a\u2028b"}\n\n'
    ": still here\n\n"
    'id: 1-1\r\nevent: progress\r\ndata: {"fraction": 0.5}\r\n\r\n'
    'id: 2-0\nevent: status\ndata: {"status": "succeeded"}\n\n'
    "id: 3-0\nevent: cut"
).encode()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_from_blocks_of_any_size(size):
    decoder = Decoder()
    blocks = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    events = [event for block in blocks for event in decoder.read(block)]
    assert [(event.id, event.kind, event.final) for event in events] == [
        ("1-0", "status", False),
        ("1-1", "progress", False),
        ("2-0", "status", True),
    ]
    assert events[0].data.title == "a\u2028b"
    assert isinstance(events[0].data, JobRecord)
    assert events[1].data.fraction == 0.5


def test_members_of_answers():
    values = {"jobs": [{"id": "a", "status": "failed", "error": {"detail": "why"}}], "next": None}
    page = JobPage(values)
    (job,) = page.jobs
    assert isinstance(job, JobRecord)
    assert job.ended
    assert (job.id, job["id"], job.error.detail) == ("a", "a", "why")
    assert page.to_json() == values
    assert "next" in page
    assert [*page] == ["jobs", "next"]
    assert "jobs" in dir(page)
    assert page == JobPage(json.loads(json.dumps(values)))
    with pytest.raises(AttributeError, match="has no 'nothing'; it has jobs, next"):
        _ = page.nothing
    with pytest.raises(AttributeError, match="cannot be changed"):
        page.next = "b"
    assert Card({"versions": {"numpy": "2"}}).versions == {"numpy": "2"}
    assert Answer({"values": [1], "keys": {"a": 1}}).values == [1]
    assert "queued" not in FINAL


def response(status, **headers):
    return httpx.Response(status, headers=headers)


@pytest.mark.parametrize(
    ("outcome", "safe", "unsafe"),
    [
        (httpx.ConnectError("refused"), True, True),
        (httpx.ReadError("reset"), True, False),
        (httpx.ReadTimeout("slow"), True, False),
        (httpx.RemoteProtocolError("closed"), True, False),
        (response(429), True, True),
        (response(502), True, False),
        (response(503), True, False),
        (response(504), True, False),
        (response(500), False, False),
        (response(404), False, False),
        (response(302), False, False),
        (response(503, **{"Retry-After": "3600"}), False, False),
    ],
)
def test_which_requests_are_repeated(outcome, safe, unsafe):
    with Client() as client:
        for request, repeated in (
            (client.jobs.get.request("a"), safe),
            (client.jobs.train.request(), safe),
            (client.predicting.predict.request(b""), safe),
            (client.jobs.cancel.request("a"), unsafe),
        ):
            assert (pause_before_repeating(request, outcome, 0) is not None) == repeated


def test_pauses_grow_and_the_server_may_name_them():
    with Client() as client:
        request = client.jobs.get.request("a")
    pauses = [pause_before_repeating(request, response(503), attempt) for attempt in (0, 3, 99)]
    assert pauses == sorted(pauses)
    assert 0.4 <= pauses[0] <= 0.6
    assert pauses[2] <= 9.6
    assert pause_before_repeating(request, response(429, **{"Retry-After": "7"}), 0) == 7


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000", "ftp://host", "http://", "http://a b:x", "/", "http://a?b=c", 5]
)
def test_an_address_that_is_none(url):
    with pytest.raises(InvalidInputError, match=r"/url: must be an address .* with http:// or"):
        Client(url)


@pytest.mark.parametrize("port", [-1, 0, 65536, 99999])
def test_a_port_that_is_none(port):
    with pytest.raises(InvalidInputError, match=f"/url: .* 1 to 65535, not {port}"):
        Client(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("retries", [-1, 1.5, "4", None])
def test_retries_that_are_no_number_of_times(kind, retries):
    with pytest.raises(InvalidInputError, match="/retries: must be 0 or more"):
        kind(retries=retries)


def test_a_token_that_no_header_can_have(monkeypatch):
    monkeypatch.setenv("STEPBOX_TOKEN", "a\nb")
    for kind in (Client, AsyncClient):
        for token in (None, "\u00e4", 5, b"bytes"):
            with pytest.raises(InvalidInputError, match="/token: must have printable ASCII"):
                kind(token=token)


def test_an_address_with_a_path_is_that_of_a_proxy(monkeypatch):
    monkeypatch.setenv("STEPBOX_URL", "https://example.org/stepbox/")
    with Client() as client:
        assert client.url == "https://example.org/stepbox"


def test_what_is_no_file_is_not_downloaded(tmp_path):
    with Client() as client:
        for operation, arguments in (
            (client.models.get, ("latest",)),
            (client.system.metrics, ()),
            (client.jobs.events, ("a",)),
        ):
            with pytest.raises(
                InvalidInputError, match="/operation: must return a file, which GET"
            ):
                client.download(tmp_path / "file", operation, *arguments)
    asynchronous = AsyncClient()
    with pytest.raises(InvalidInputError, match="/operation: must return a file"):
        asyncio.run(asynchronous.download(tmp_path / "file", asynchronous.models.get, "latest"))
    assert not [*tmp_path.iterdir()]


def test_stepbox_loads_httpx_only_for_a_client():
    code = (
        "import sys, stepbox; before = 'httpx' in sys.modules; stepbox.Client();"
        "loaded = {'torch', 'numba', 'scipy', 'numpy', 'tqdm'} & {*sys.modules};"
        "print(before, 'httpx' in sys.modules, sorted(loaded))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.stdout.strip() == "False True []", finished.stderr


def test_a_password_in_the_address_is_not_shown():
    with Client("http://me:secret@127.0.0.1:9", retries=0) as client:
        assert client.url == "http://127.0.0.1:9"
        with pytest.raises(UnreachableError) as caught:
            client.system.ready()
    assert str(caught.value).startswith("http://127.0.0.1:9: ")
    with pytest.raises(InvalidInputError) as refused:
        Client("http://me:secret@127.0.0.1/?a=b")
    assert "secret" not in str(refused.value)


def test_an_answer_that_is_not_json_is_explained():
    found = httpx.Response(
        200, html="<p>hello", request=httpx.Request("GET", "http://me:secret@host/jobs")
    )
    for read in (of(JobPage), maybe(JobPage)):
        with pytest.raises(ClientError, match=r"http://host/jobs is not JSON, but text/html.*Step"):
            read(found)


def test_a_silent_stream_that_was_open_for_long_has_not_failed(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(following.time, "monotonic", lambda: now)
    with Client() as client:
        stream = following.Following(client.jobs.events.request("a"))
    broken = UnreachableError("it broke")
    for _ in range(3):
        stream.stream()
        assert [*stream.read(b": still here\n\n")] == []
        now += following.PATIENCE_S + 1  # hours later, it breaks
        assert [*stream.read(b": still here\n\n")] == []
        assert stream.pause(broken) < 1
    stream.stream()
    now += following.PATIENCE_S + 1  # and now nothing answers
    with pytest.raises(UnreachableError, match="it broke"):
        stream.pause(broken)
