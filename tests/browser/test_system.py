"""The page of the system."""

from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import expect

SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def test_devices_come_first_and_nothing_moves_while_the_page_loads(open_page):
    page = open_page("/ui/system")
    assert page.locator("#state h2").first.inner_text() == "Devices and workers"
    expect(page.locator("#workers")).to_contain_text("idle")
    expect(page.locator("#workers th").nth(2)).to_have_text("Status")
    page.evaluate(SHIFTS)
    page.reload()
    page.evaluate(SHIFTS)
    expect(page.locator("#versions")).to_contain_text("numpy")
    page.wait_for_timeout(100)  # entries arrive after the frame that they describe
    assert page.evaluate("window.shifted") < 0.05


def test_checksums_are_folded_and_stay_open_while_the_page_is_refreshed(open_page):
    page = open_page("/ui/system")
    sums = page.locator("#parts details")
    expect(sums.locator("code").first).to_be_hidden()
    sums.locator("summary").click()
    expect(sums.locator("code")).to_have_count(8)
    with page.expect_response("**/system"), page.expect_response("**/readyz"):
        pass
    page.wait_for_timeout(100)
    expect(sums.locator("code").first).to_be_visible()


def test_values_that_may_be_out_of_date_have_a_time(visit, stack):
    watched = visit(stack.url, "/ui/system")
    expect(watched.page.locator("#updated")).to_contain_text("every 4 seconds")
    watched.page.route("**/system", lambda route: route.abort())
    expect(watched.page.locator("#sentence")).to_contain_text("No answer")
    expect(watched.page.locator("#updated")).to_contain_text("The values on this page are from 2")
    watched.page.unroute("**/system")
    expect(watched.page.locator("#updated")).to_contain_text("every 4 seconds")
    assert all("ERR_FAILED" in fault for fault in watched.faults)
    watched.faults.clear()


@pytest.fixture
def draining_ends(stack):
    """Let the workers of the shared installation take jobs again at the end."""
    yield
    for worker in requests.get(f"{stack.url}/system", timeout=10).json()["workers"]:
        requests.post(f"{stack.url}/workers/{quote(worker['name'])}/resume", timeout=10)


@pytest.mark.usefixtures("draining_ends")
def test_a_worker_drains_after_a_question_and_is_resumed(visit, stack):
    watched = visit(stack.url, "/ui/system")
    page = watched.page
    row = page.locator("#workers tbody tr")
    expect(row).to_contain_text("idle")
    row.locator("button", has_text="Drain").click()
    expect(page.locator("#sure-words")).to_contain_text("worker@")
    page.click("text=Keep it working")
    expect(page.locator("#sure")).to_be_hidden()
    with page.expect_request("**/drain") as sent:
        row.locator("button", has_text="Drain").click()
        page.click("text=Drain it")
    assert "/workers/worker%40" in sent.value.url
    expect(row).to_contain_text("draining")
    expect(page.locator("#sentence")).to_contain_text("is draining")
    row.locator("button", has_text="Resume").click()
    expect(row).to_contain_text("idle")
    expect(row.locator("button", has_text="Drain")).to_be_focused()
    assert all("503" in fault for fault in watched.faults)  # /readyz, while no worker takes jobs
    watched.faults.clear()
