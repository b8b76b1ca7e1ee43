"""Webhooks on the pages System and Job."""

from types import SimpleNamespace

import pytest
import requests
from playwright.sync_api import expect

from tests.processes import stack_in, wait_until
from tests.receivers import receiving
from tests.service.conftest import publish


@pytest.fixture(scope="module")
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def webhook_stack(tmp_path_factory, receiver):
    """An installation without a worker, whose operator allows the receiver."""
    folder = tmp_path_factory.mktemp("webhooks")
    with stack_in(folder, STEPBOX_WEBHOOK_ALLOW=receiver.address) as stack:
        stack.start_redis()
        stack.start_service()
        yield stack


def end_job(stack, receiver, *answers):
    """Cancel a job whose webhook gives these answers; return its id after the first attempt."""
    receiver.answers[:] = answers
    return cancel(stack, stack.train(webhook=f"{receiver.url}?secret=1")["id"])


def cancel(stack, id):
    requests.post(f"{stack.url}/jobs/{id}/cancel", timeout=60)
    wait_until(lambda: delivery(stack, id)["attempted_at"], what="the first attempt")
    return id


def delivery(stack, id):
    return requests.get(f"{stack.url}/webhooks/{id}", timeout=60).json()


def test_a_dead_webhook_is_listed_and_delivered_again(visit, webhook_stack, receiver):
    id = end_job(webhook_stack, receiver, 410)
    watched = visit(webhook_stack.url, "/ui/system")
    row = watched.page.locator("#webhooks tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator("th a")).to_have_attribute("href", f"/ui/jobs/{id}")
    expect(row).to_contain_text(f"{receiver.address}1 attempt: the response was 410")
    expect(row.locator(".state")).to_have_text("dead")
    assert "secret" not in watched.page.locator("#webhooks").inner_text()
    row.locator("button").click()
    expect(watched.page.locator("#webhooks")).to_have_text("No webhook is pending or dead.")
    wait_until(lambda: delivery(webhook_stack, id)["state"] == "delivered", what="the delivery")
    assert {one.id for one in receiver.requests} >= {id}
    watched.close()  # first: the page asks again and again
    assert all("503" in fault for fault in watched.faults)  # /readyz, because there is no worker
    watched.faults.clear()


def test_the_page_of_a_job_says_what_became_of_its_webhook(visit, webhook_stack, receiver):
    id = end_job(webhook_stack, receiver, 500)
    page = visit(webhook_stack.url, f"/ui/jobs/{id}").page
    fact = page.locator("#facts dt", has_text="Webhook").locator("+ dd")
    expect(fact).to_contain_text(f"{receiver.address}: ")
    requests.post(f"{webhook_stack.url}/webhooks/{id}/retry", timeout=60)
    expect(fact).to_have_text(f"{receiver.address}: delivered")


@pytest.mark.parametrize("kind", ["predictions", "sweeps"])
def test_the_pages_of_predictions_and_sweeps_say_it_too(visit, webhook_stack, receiver, kind):
    if kind == "predictions":
        body = {"model": publish(SimpleNamespace(settings=webhook_stack.settings()))[0]}
        body["dataset"] = "mnist"
    else:
        space = {"learning_rate": {"low": 0.01, "high": 0.1}}
        body = {"recipe": "playground", "trials": 2, "space": space}
    answer = requests.post(
        f"{webhook_stack.url}/{kind}", json=body | {"webhook": receiver.url}, timeout=60
    )
    assert answer.status_code == 202, answer.text
    id = answer.json()["id"]
    page = visit(webhook_stack.url, f"/ui/{'sweeps' if kind == 'sweeps' else 'jobs'}/{id}").page
    fact = page.locator("#facts dt", has_text="Webhook").locator("+ dd")
    expect(fact).to_have_text(receiver.address)
    cancel(webhook_stack, id)
    expect(fact).to_have_text(f"{receiver.address}: delivered")
