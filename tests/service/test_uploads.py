"""Uploads are streamed to a file, and rejected as early as possible, without a trace."""

import socket

import pytest
import requests

from service.server.receiving import UPLOADS
from tests.problems import check_problem, pointers
from tests.processes import stack_in, wait_until

pytestmark = pytest.mark.server

MOST = 3 * 2**20  # largest upload here
QUOTA = 8 * 2**20
TOKEN = "w" * 16
CSV = b"label,x\n" + b"0,1\n" * 500_000  # two pieces


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """The API with Redis, and no worker: imports stay queued."""
    with stack_in(
        tmp_path_factory.mktemp("uploads"),
        STEPBOX_UPLOAD_BYTES=str(MOST),
        STEPBOX_DATA_QUOTA=str(QUOTA),
        STEPBOX_QUEUE_LIMIT="2",
        STEPBOX_TOKENS=f"write:{TOKEN},read:{'r' * 16}",
        STEPBOX_PROCESSES="1",
    ) as stack:
        stack.start_redis()
        stack.start_service()
        yield stack


@pytest.fixture
def service(stack):
    """The same with an empty queue and an empty folder, which every test must leave so."""
    yield stack
    wait_until(
        lambda: not [file for file in every_file(stack) if "." in file.name],
        what="nothing but complete uploads to be left",
    )
    for job in ask(stack, "GET", "/jobs?status=queued").json()["jobs"]:
        ask(stack, "POST", f"/jobs/{job['id']}/cancel")
    for path in files(stack):
        path.unlink()


def files(stack):
    """List the uploads, also those that are arriving."""
    return [path for path in every_file(stack) if ".reserved-" not in path.name]


def every_file(stack):
    folder = stack.folder / "datasets" / ".uploads"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def ask(stack, method, path, token=TOKEN, headers=(), **arguments):
    headers = {"Authorization": f"Bearer {token}", **dict(headers)}
    return requests.request(method, stack.url + path, headers=headers, timeout=20, **arguments)


def upload(stack, body=CSV, query="name=mine", kind="text/csv", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(
        stack, "POST", f"/datasets?{query}", data=body, headers={"Content-Type": kind, **named}
    )


def in_chunks(body, size=70_000):
    return (body[start : start + size] for start in range(0, len(body), size))


def connect(stack, *lines, path="/datasets?name=mine"):
    """Send the head of an upload; return the socket."""
    client = socket.create_connection(("127.0.0.1", stack.port), 10)
    head = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {TOKEN}",
        "Content-Type: text/csv",
        *lines,
    ]
    client.sendall("\r\n".join([*head, "", ""]).encode())
    return client


def waits_for_body(stack, number=1):
    return wait_until(lambda: len(files(stack)) == number, what="the body to be received")


@pytest.mark.parametrize("form", [bytes, in_chunks])
def test_the_body_becomes_the_file_of_the_job(service, form):
    answer = upload(service, form(CSV), "name=mine&size=32&test=0.3&seed=7&color=rgb&label=y")
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["Location"] == f"/jobs/{job['id']}"
    assert answer.headers["Retry-After"] == "1"
    (file,) = files(service)
    assert file.name == job["id"]
    assert file.read_bytes() == CSV
    assert job["kind"] == "import"
    assert job["upload"] == {
        "name": "mine",
        "test": 0.3,
        "seed": 7,
        "size": 32,
        "color": "rgb",
        "label": "y",
        "content_type": "text/csv",
        "bytes": len(CSV),
    }


def test_the_same_key_returns_the_same_job_and_keeps_one_file(service):
    first, second = (upload(service, Idempotency_Key="once") for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert [file.name for file in files(service)] == [first.json()["id"]]
    check_problem(upload(service, b"label,x\n0,1\n", Idempotency_Key="once"), 422)
    assert [file.name for file in files(service)] == [first.json()["id"]]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("", "/name"),
        ("name=Mine", "/name"),
        ("name=mnist", "/name"),
        ("name=mine&size=33", "/size"),
        ("name=mine&test=0", "/test"),
        ("name=mine&color=blue", "/color"),
        ("name=mine&colour=rgb", "/colour"),
    ],
)
def test_wrong_options_are_named_before_the_body_is_read(service, query, pointer):
    client = connect(
        service, "Content-Length: 1000000", "Connection: close", path=f"/datasets?{query}"
    )
    with client, client.makefile("rb") as answer:
        assert answer.readline().startswith(b"HTTP/1.1 422")
    assert pointers(check_problem(upload(service, query=query), 422)) == [pointer]
    assert files(service) == []


def test_what_the_head_shows_is_rejected_before_the_body_is_read(service):
    check_problem(upload(service, kind="image/png"), 415)
    check_problem(upload(service, Content_Encoding="br"), 415)
    check_problem(upload(service, kind="multipart/form-data"), 400)
    check_problem(upload(service, Host="elsewhere.example"), 421)
    assert ask(service, "POST", "/datasets?name=mine", token="r" * 16, data=CSV).status_code == 403
    assert ask(service, "POST", "/datasets?name=mine", token="?" * 16, data=CSV).status_code == 401
    assert ask(service, "PUT", "/datasets?name=mine", data=b"x").status_code == 405
    assert files(service) == []


@pytest.mark.parametrize("form", [bytes, in_chunks])
def test_an_empty_body_is_rejected(service, form):
    assert "empty" in upload(service, form(b"")).text
    assert files(service) == []


@pytest.mark.parametrize("form", [bytes, in_chunks])
@pytest.mark.parametrize("start", [b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"nothing known"])
def test_a_body_of_an_unknown_format_is_rejected_by_its_start(service, form, start):
    problem = check_problem(upload(service, form(start + bytes(10_000))), 422)
    assert "Send a zip or tar" in problem["errors"][0]["detail"]
    assert files(service) == []


def test_a_form_is_opened_by_the_import(service):
    answer = ask(service, "POST", "/datasets?name=mine", files={"a.csv": b"label,x\n0,1\n"})
    assert answer.status_code == 202, answer.text
    (file,) = files(service)
    assert file.read_bytes().startswith(b"--")
    assert "boundary=" in answer.json()["upload"]["content_type"]


def test_a_body_over_the_limit_is_rejected_by_its_length(service):
    client = connect(service, f"Content-Length: {MOST + 1}", "Expect: 100-continue")
    with client, client.makefile("rb") as answer:
        assert answer.readline().startswith(b"HTTP/1.1 413")
    assert files(service) == []


def test_a_chunked_body_over_the_limit_is_rejected_while_it_is_read(service):
    check_problem(upload(service, in_chunks(CSV + bytes(MOST))), 413)
    assert files(service) == []


def test_a_client_that_expects_100_continue_gets_it_after_the_checks(service):
    client = connect(service, "Content-Length: 12", "Expect: 100-continue", "Connection: close")
    with client, client.makefile("rb") as answer:
        assert answer.readline().startswith(b"HTTP/1.1 100")
        client.sendall(b"label,x\n0,1\n")
        assert b"HTTP/1.1 202" in answer.read()
    (file,) = files(service)
    assert file.read_bytes() == b"label,x\n0,1\n"


@pytest.mark.parametrize("length", ["Content-Length: 2000000", "Transfer-Encoding: chunked"])
def test_a_client_that_disconnects_leaves_no_file(service, length):
    with connect(service, length) as client:
        client.sendall(b"200000\r\n" + CSV[: 2**20 + 2**19])
        waits_for_body(service)
    wait_until(lambda: files(service) == [], what="the file to be removed")


def test_an_upload_that_does_not_fit_is_rejected_before_it_is_read(service):
    kept = service.folder / "datasets" / "kept.npy"
    with kept.open("wb") as file:
        file.truncate(QUOTA - 10_000)
    try:
        client = connect(service, "Content-Length: 10001", "Expect: 100-continue")
        with client, client.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 507")
        detail = check_problem(upload(service), 507)["detail"]
        assert f"{QUOTA - 10_000 + len(CSV):,}" in detail
        assert f"{QUOTA:,}" in detail
        assert files(service) == []
        assert upload(service, CSV[:10_000]).status_code == 202
    finally:
        kept.unlink()


def test_a_chunked_upload_that_does_not_fit_is_rejected_while_it_is_read(service):
    kept = service.folder / "datasets" / "kept.npy"
    with kept.open("wb") as file:
        file.truncate(QUOTA - 2**20)
    try:
        check_problem(upload(service, in_chunks(CSV)), 507)
        assert files(service) == []
        assert upload(service, in_chunks(CSV[:10_000])).status_code == 202
    finally:
        kept.unlink()


def test_uploads_at_the_same_time_reserve_their_space(service):
    """The bytes that are still to come count."""
    body = b"0,1\n" * (MOST // 4)
    with connect(service, f"Content-Length: {MOST}"), connect(service, f"Content-Length: {MOST}"):
        wait_until(lambda: len(every_file(service)) == 4, what="two files, and their reservations")
        check_problem(upload(service, body), 507)
    wait_until(lambda: files(service) == [], what="the files to be removed")


def test_a_full_queue_rejects_before_the_body_is_read(service):
    for _ in range(2):
        assert upload(service, b"label,x\n0,1\n").status_code == 202
    client = connect(service, "Content-Length: 1000000", "Expect: 100-continue")
    with client, client.makefile("rb") as answer:
        assert answer.readline().startswith(b"HTTP/1.1 429")
    assert len(files(service)) == 2


def test_too_many_uploads_at_the_same_time_are_rejected(service):
    clients = [connect(service, "Content-Length: 100000") for _ in range(UPLOADS)]
    waits_for_body(service, UPLOADS)
    answer = upload(service)
    check_problem(answer, 503)
    assert answer.headers["Retry-After"]
    for client in clients:
        client.close()
    wait_until(lambda: files(service) == [], what="the files to be removed")


def test_an_upload_is_one_request_and_its_disk_space_is_shown(service):
    def counted(name):
        lines = ask(service, "GET", "/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    route = 'stepbox_http_requests_total{method="POST",route="/datasets",'
    before, used = counted(route), counted("stepbox_data_bytes ")
    assert upload(service).status_code == 202
    assert counted(route) == before + 1
    assert counted("stepbox_data_bytes ") == used + len(CSV)
    assert counted("stepbox_data_quota_bytes ") == QUOTA
    storage = ask(service, "GET", "/system").json()["storage"]
    assert (storage["used_bytes"], storage["allowed_bytes"]) == (used + len(CSV), QUOTA)


def test_uploads_count_once_against_the_limit_of_new_jobs(tmp_path):
    with stack_in(tmp_path, STEPBOX_TRAIN_LIMIT="2/hour") as limited:
        limited.start_redis()
        limited.start_service()
        answers = [upload(limited) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0"]
        client = connect(limited, "Content-Length: 1000000", "Expect: 100-continue")
        with client, client.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 429")


def test_without_redis_the_body_is_not_read(stack, tmp_path):
    with stack_in(tmp_path) as alone:
        alone.start_service()
        check_problem(upload(alone), 503)
        assert files(alone) == []
