"""Webhooks over HTTP, against a real Redis and real receivers."""

import pytest

from jobs.archiving import Archiver
from jobs.signing import new_secret
from jobs.store import JobStore
from service.settings import ServiceSettings
from service.webhooks.deliverer import Deliverer
from stepbox.store.folder import FolderStore
from stepbox.training.webhook import MOST_CHARACTERS
from tests.jobs.test_deliveries import end, end_prediction, end_sweep, make_due
from tests.problems import check_problem, pointers
from tests.receivers import receiving


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def settings(redis_process, receiver):
    return ServiceSettings(webhook_allow=f"{receiver.address}, 127.0.0.2")


@pytest.fixture
def deliverer(settings, jobs, monkeypatch):
    """What a thread of the API runs, without the threads. No failed attempt is due again."""
    monkeypatch.setattr("jobs.deliveries.DELAYS_S", (3600,))
    return Deliverer(settings, lambda: jobs)


@pytest.fixture
def client(app_with_jobs, settings):
    backend = app_with_jobs.extensions["stepbox"]
    backend.settings = settings
    return app_with_jobs.test_client()


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_the_receiver_gets_the_job_as_the_api_returns_it(client, jobs, deliverer, receiver, status):
    id = end(jobs, status, receiver.url)
    assert deliverer.deliver_next()
    assert not deliverer.deliver_next()
    (received,) = receiver.requests
    job = client.get(f"/jobs/{id}").json
    message = received.verified(jobs.deliveries.secret())
    assert message == {"type": f"job.{status}", "timestamp": job["finished_at"], "data": job}
    assert (received.id, job["status"], job["webhook"]) == (id, status, receiver.url)
    found = client.get(f"/webhooks/{id}").json
    assert (found["state"], found["status"], found["attempts"]) == ("delivered", 204, 1)


@pytest.mark.parametrize(("end", "resource"), [(end_prediction, "jobs"), (end_sweep, "sweeps")])
def test_predictions_and_sweeps_tell_that_they_ended(
    client, jobs, deliverer, receiver, end, resource
):
    id = end(jobs, "succeeded", receiver.url)
    assert deliverer.deliver_next()
    assert not deliverer.deliver_next()
    (received,) = receiver.requests
    job = client.get(f"/jobs/{id}").json
    message = received.verified(jobs.deliveries.secret())
    assert message == {"type": "job.succeeded", "timestamp": job["finished_at"], "data": job}
    assert client.get(f"/{resource}/{id}").json["webhook"] == receiver.url
    assert client.get(f"/webhooks/{id}").json["state"] == "delivered"


def test_a_message_is_repeated_until_it_is_confirmed(client, jobs, deliverer, receiver):
    id = end(jobs, url=receiver.url)
    receiver.answers = [500, 302, 404, 200]
    receiver.location = "http://127.0.0.1:1/"
    errors = ["the response was 500", "redirects are not followed", "the response was 404", None]
    for number, error in enumerate(errors, 1):
        make_due(jobs, id)
        assert deliverer.deliver_next()
        assert not deliverer.deliver_next()
        found = client.get(f"/webhooks/{id}").json
        assert found["attempts"] == number
        assert found["error"] is None if error is None else error in found["error"]
    assert found["state"] == "delivered"
    assert {one.id for one in receiver.requests} == {id}
    assert len({one.body for one in receiver.requests}) == 1
    assert jobs.measure().webhooks == {"delivered": 1, "failed": 3}


def test_a_dead_delivery_is_listed_and_retried(client, jobs, deliverer, receiver):
    id = end(jobs, url=receiver.url)
    receiver.answers = [410]
    deliverer.deliver_next()
    (dead,) = client.get("/webhooks?state=dead").json["deliveries"]
    assert (dead["id"], dead["status"], dead["error"]) == (id, 410, "the response was 410")
    assert dead["next_attempt_at"] is None
    assert not deliverer.deliver_next()

    answer = client.post(f"/webhooks/{id}/retry")
    assert (answer.status_code, answer.json["state"]) == (202, "pending")
    assert client.get("/webhooks?state=dead").json["deliveries"] == []
    assert deliverer.deliver_next()
    assert [one.id for one in receiver.requests] == [id, id]
    assert client.get(f"/webhooks/{id}").json["state"] == "delivered"


def test_a_job_that_was_deleted_is_told_without_its_record(client, jobs, deliverer, receiver):
    id = end(jobs, "failed", receiver.url)
    assert client.delete(f"/jobs/{id}").status_code == 204
    deliverer.deliver_next()
    message = receiver.requests[0].verified(jobs.deliveries.secret())
    assert message["data"] == {"id": id, "status": "failed", "deleted": True}


def test_secrets_of_the_settings_sign_instead_of_that_in_redis(settings, jobs, receiver):
    old, new = new_secret(), new_secret()
    changed = settings.model_copy(update={"webhook_secret": f"{new},{old}"})
    end(jobs, url=receiver.url)
    Deliverer(changed, lambda: jobs).deliver_next()
    received = receiver.requests[0]
    assert received.verified(new, old)["type"] == "job.cancelled"
    assert not jobs.redis.exists("webhooks:secret")


def test_an_address_that_is_no_longer_allowed_gets_nothing(settings, jobs, receiver):
    id = end(jobs, url=receiver.url)
    Deliverer(settings.model_copy(update={"webhook_allow": ""}), lambda: jobs).deliver_next()
    assert not receiver.requests
    found = jobs.deliveries.get(id)
    assert (found.state, found.status) == ("pending", None)
    assert "127.0.0.1 is not a public address (STEPBOX_WEBHOOK_ALLOW)" in found.error


def test_a_redirect_to_this_machine_is_not_followed(settings, jobs, receiver):
    with receiving() as private:
        receiver.location, receiver.answers = private.url, [307]
        id = end(jobs, url=receiver.url)
        Deliverer(settings, lambda: jobs).deliver_next()
        assert (len(receiver.requests), private.requests) == (1, [])
    assert jobs.deliveries.get(id).status == 307


ALLOWED = ["https://hooks.example.org", "http://example.org:8080/a?b=c#d", "http://8.8.8.8/"]
REFUSED = [
    *("ftp://example.org/", "example.org", "//example.org", "https://", "http:///path", ""),
    *(
        "https://user:secret@example.org/",
        "https://user@example.org/",
        "http://a:0/",
        "javascript:",
    ),
    *(
        "http://a:65536/",
        "http://a b/",
        "http://a/\r\nX: y",
        "http://a/ß",
        "http://[::1/",
        "http://a\\b",
    ),
    *("http://127.0.0.1#@example.org\\", "HTTP://example.org/", "http://[1.2.3.4]/"),
    "https://example.org/" + "x" * (MOST_CHARACTERS - 19),
]
PRIVATE = [
    *("http://127.0.0.1/", "http://127.0.0.1:8000/train", "http://2130706433/", "http://0x7f.1/"),
    *("https://[::1]/", "http://169.254.169.254/latest/", "http://[::ffff:127.0.0.1]/"),
    *("http://10.0.0.1/", "http://0/", "http://0177.1/"),
]


@pytest.mark.parametrize("url", ALLOWED)
def test_a_url_is_accepted_and_shown(client, url):
    answer = client.post("/train", json={"webhook": url})
    assert (answer.status_code, answer.json["webhook"]) == (202, url)
    assert client.get(f"/jobs/{answer.json['id']}").json["webhook"] == url


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_no_url_of_a_webhook_is_rejected(client, jobs, url):
    problem = check_problem(client.post("/train", json={"webhook": url}), 422)
    assert pointers(problem) == ["/webhook"]
    assert "must be an http or https URL" in problem["errors"][0]["detail"]
    assert jobs.queue_length() == 0


@pytest.mark.parametrize("url", PRIVATE)
def test_an_address_that_is_not_public_is_rejected_at_once(client, jobs, url):
    for answer in (
        client.post("/train", json={"webhook": url}),
        client.post(
            "/datasets",
            query_string={"name": "a", "webhook": url},
            data=b"",
            content_type="text/csv",
        ),
    ):
        problem = check_problem(answer, 422)
        assert pointers(problem) == ["/webhook"]
        assert "not a public address" in problem["errors"][0]["detail"]
        assert "STEPBOX_WEBHOOK_ALLOW" in problem["errors"][0]["detail"]
    assert jobs.queue_length() == 0


def test_the_operator_allows_an_address(client, receiver):
    assert client.post("/train", json={"webhook": receiver.url}).status_code == 202
    assert client.post("/train", json={"webhook": "http://127.0.0.2:1/"}).status_code == 202
    check_problem(client.post("/train", json={"webhook": "http://127.0.0.1:1/"}), 422)


def test_pages_of_deliveries(client, jobs, receiver):
    ids = [end(jobs, url=receiver.url) for _ in range(3)]
    first = client.get("/webhooks?limit=2").json
    assert [one["id"] for one in first["deliveries"]] == ids[:0:-1]
    second = client.get(f"/webhooks?limit=2&after={first['next']}").json
    assert [one["id"] for one in second["deliveries"]] == ids[:1]
    assert second["next"] is None
    for query in ("state=lost", "limit=0", "limit=101", "after=x", "after=1.5", "job=1"):
        check_problem(client.get(f"/webhooks?{query}"), 422)


def test_an_unknown_delivery_is_not_found(client):
    for answer in (client.get("/webhooks/nowhere"), client.post("/webhooks/nowhere/retry")):
        check_problem(answer, 404)


def test_the_metrics_count_attempts(client, jobs, deliverer, receiver):
    end(jobs, url=receiver.url)
    end(jobs, url=receiver.url)
    receiver.answers = [410]
    deliverer.deliver_next()
    text = client.get("/metrics").text
    for line in (
        'stepbox_webhook_attempts_total{outcome="failed"} 1.0',
        'stepbox_webhook_attempts_total{outcome="delivered"} 0.0',
        "stepbox_webhooks_pending 1.0",
        "stepbox_webhooks_dead_total 1.0",
    ):
        assert line in text


def test_settings_of_another_form_are_rejected():
    for name, value in (("webhook_secret", "secret"), ("webhook_allow", "http://x")):
        with pytest.raises(ValueError, match=r"secret must be|is not a host"):
            ServiceSettings(**{name: value})


def test_the_message_of_an_archived_job_has_its_whole_record(
    client, settings, jobs, own_stack, receiver
):
    archive = FolderStore(own_stack.settings().folders["archive"])
    archived = JobStore(jobs.redis, archive)
    id = end(archived, "succeeded", receiver.url)
    job = archived.get(id).to_json()
    assert Archiver(archived, archive, days=1e-9, most=0).clean_up() == 1
    assert not jobs.redis.exists(f"job:{id}")
    Deliverer(settings, lambda: archived).deliver_next()
    assert receiver.requests[0].verified(jobs.deliveries.secret())["data"] == job


def test_a_record_that_only_a_later_version_understands_is_no_endless_attempt(
    client, jobs, deliverer, receiver
):
    id = end(jobs, url=receiver.url)
    jobs.redis.hset(f"job:{id}", "kind", "dream")
    assert deliverer.deliver_next()
    assert not deliverer.deliver_next()
    found = client.get(f"/webhooks/{id}").json
    assert (found["state"], found["attempts"], receiver.requests) == ("pending", 1, [])
    assert found["error"] == "an unexpected ValidationError; the log of the API has the details"


def test_a_job_that_cannot_be_read_is_told_later(settings, jobs, receiver, own_stack):
    archive = FolderStore(own_stack.settings().folders["archive"])
    archived = JobStore(jobs.redis, archive)
    id = end(archived, "succeeded", receiver.url)
    Archiver(archived, archive, days=1e-9, most=0).clean_up()
    Deliverer(settings, lambda: jobs).deliver_next()  # it does not know the archive
    assert not receiver.requests
    assert "the job cannot be read: this process does not know" in jobs.deliveries.get(id).error
    make_due(jobs, id)
    Deliverer(settings, lambda: archived).deliver_next()
    assert jobs.deliveries.get(id).state == "delivered"
