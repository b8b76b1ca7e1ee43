"""The name of a token is the owner of the jobs and models that its requests create."""

import pytest
import requests

from stepbox.store.uploads import Uploads
from tests.problems import check_problem, pointers
from tests.processes import stack_in, wait_until

pytestmark = pytest.mark.server

SECRETS = {"alice": "a" * 16, "bob": "b" * 16, None: "n" * 16}
TOKENS = f"alice=write:{SECRETS['alice']},bob=own:{SECRETS['bob']},write:{SECRETS[None]}"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """The API with Redis, and no worker: jobs stay queued."""
    with stack_in(tmp_path_factory.mktemp("owners"), STEPBOX_TOKENS=TOKENS) as stack:
        stack.start_redis()
        stack.start_service()
        yield stack


def ask(stack, owner, method, path, **arguments):
    headers = {"Authorization": f"Bearer {SECRETS[owner]}"}
    return requests.request(method, stack.url + path, headers=headers, timeout=20, **arguments)


@pytest.mark.parametrize("owner", SECRETS)
def test_a_job_says_who_submitted_it(stack, owner):
    training = ask(stack, owner, "POST", "/train", json={}).json()
    upload = ask(stack, owner, "POST", "/datasets?name=some", data=b"label,x\n0,1\n1,2\n").json()
    for job in (training, upload):
        assert job["submitted_by"] == owner
        assert ask(stack, None, "GET", f"/jobs/{job['id']}").json()["submitted_by"] == owner
    listed = ask(stack, None, "GET", "/jobs?limit=2").json()["jobs"]
    assert [job["submitted_by"] for job in listed] == [owner, owner]


def test_a_priority_orders_the_jobs_of_its_owner(stack):
    plain = ask(stack, "alice", "POST", "/train", json={}).json()
    urgent = ask(stack, "alice", "POST", "/train", json={"priority": 7}).json()
    assert (plain["priority"], urgent["priority"]) == (0, 7)
    now = [ask(stack, "alice", "GET", f"/jobs/{job['id']}").json() for job in (urgent, plain)]
    assert now[0]["queue_position"] < now[1]["queue_position"]
    query = "/datasets?name=some&priority=-3"
    upload = ask(stack, "alice", "POST", query, data=b"label,x\n0,1\n1,2\n").json()
    assert upload["priority"] == -3


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"priority": 101}, "/priority"),
        ({"priority": 1.5}, "/priority"),
        ({"requires": {"device": "tpu"}}, "/requires/device"),
        ({"requires": {"memory": 2**20 - 1}}, "/requires/memory"),
        ({"requires": {"memory": 2**40 + 1}}, "/requires/memory"),
        ({"requires": {"disk": 1}}, "/requires/disk"),
        ({"requires": None}, "/requires"),
        ({"recipe": "mnist-numpy", "requires": {"device": "cuda"}}, "/requires"),
    ],
)
def test_what_cannot_be_required_is_rejected(stack, body, pointer):
    answer = ask(stack, "alice", "POST", "/train", json=body)
    check_problem(answer, 422)
    assert pointers(answer.json()) == [pointer]


def test_a_wrong_priority_of_an_upload_is_rejected(stack):
    answer = ask(stack, "alice", "POST", "/datasets?name=some&priority=101", data=b"label,x\n0,1")
    check_problem(answer, 422)
    assert pointers(answer.json()) == ["/priority"]


def test_a_job_says_what_it_waits_for(stack):
    requires = {"device": "cuda", "memory": 3 * 2**30}
    body = {"recipe": "fashion-mnist-torch", "requires": requires}
    job = ask(stack, "alice", "POST", "/train", json=body).json()
    assert job["requires"] == requires
    assert job["waiting_for"] == {"code": "no-worker", "detail": "no worker is alive"}


def test_an_owner_has_a_limit_of_queued_jobs(own_stack):
    own_stack.environment |= {"STEPBOX_TOKENS": TOKENS, "STEPBOX_OWNER_QUEUED": "1"}
    own_stack.start_redis()
    own_stack.start_service()
    train = {"method": "POST", "path": "/train"}
    assert ask(own_stack, "alice", **train, json={}).status_code == 202
    over = ask(own_stack, "alice", **train, json={})
    check_problem(over, 429)
    assert "1 queued job" in over.json()["detail"]
    assert over.headers["Retry-After"]
    upload = ask(own_stack, "alice", "POST", "/datasets?name=some", data=b"label,x\n0,1\n1,2\n")
    check_problem(upload, 429)
    drawn = {"points": [[0, 0, 0], [1, 1, 1]] * 10}
    check_problem(ask(own_stack, "alice", **train, json={"dataset": drawn}), 429)
    assert ask(own_stack, "bob", **train, json={}).status_code == 202


def table(rows):
    """Return a table of numbers, as CSV."""
    return b"label,x\n" + b"0,1\n1,2\n" * (rows // 2)


def test_an_owner_has_a_limit_of_bytes(own_stack):
    own_stack.environment |= {"STEPBOX_TOKENS": TOKENS, "STEPBOX_OWNER_BYTES": "3000"}
    own_stack.start_redis()
    own_stack.start_service()
    upload = {"method": "POST", "path": "/datasets?name=some"}
    assert ask(own_stack, "alice", **upload, data=table(600)).status_code == 202
    for body in (table(600), iter([table(600)])):  # with Content-Length, and without
        over = ask(own_stack, "alice", **upload, data=body)
        check_problem(over, 507)
        for part in ("alice", "4,816 bytes", "3,000 bytes", "STEPBOX_OWNER_BYTES"):
            assert part in over.json()["detail"]
    assert ask(own_stack, "bob", **upload, data=table(600)).status_code == 202
    for _ in range(2):  # nobody in particular has no limit
        assert ask(own_stack, None, **upload, data=table(600)).status_code == 202


def test_a_data_set_counts_for_whose_import_made_it_until_it_is_deleted(own_stack):
    # The data set takes about 10,600 bytes, and its upload 4,008.
    own_stack.environment |= {"STEPBOX_TOKENS": TOKENS, "STEPBOX_OWNER_BYTES": "13000"}
    own_stack.start_redis()
    own_stack.start_service()
    own_stack.start_worker()
    upload = {"method": "POST", "path": "/datasets?name=some"}
    id = ask(own_stack, "alice", **upload, data=table(1000)).json()["id"]

    def imported():
        job = ask(own_stack, None, "GET", f"/jobs/{id}").json()
        return job["finished_at"] and job

    job = wait_until(imported, seconds=120, what="the import to end")
    assert job["status"] == "succeeded", job
    uploads = Uploads(own_stack.settings().datasets_dir)
    wait_until(lambda: not uploads.ages(), what="the upload to be removed")
    larger = table(3000)
    check_problem(ask(own_stack, "alice", **upload, data=larger), 507)
    assert ask(own_stack, "bob", **upload, data=larger).status_code == 202
    assert ask(own_stack, None, "DELETE", f"/datasets/{job['dataset']}").status_code == 204
    assert ask(own_stack, "alice", **upload, data=larger).status_code == 202
