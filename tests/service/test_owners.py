"""The name of a token is the owner of the jobs and models that its requests create."""

import pytest
import requests

from tests.processes import stack_in

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
