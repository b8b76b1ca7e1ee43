"""What a page loads, and when: its data first, and the charts when Plot has arrived."""

import re

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.browser import Watched
from tests.processes import wait_until

# A selector of the page's data, and one of its first chart.
DATA = {
    "/": "#rows a",
    "/ui/jobs/{job}": "#facts dd",
    "/ui/data": "#datasets a",
    "/ui/data/mnist": "#facts dd",
    "/ui/models": "#models a",
    "/ui/models/{mnist}": "#facts dd",
    "/ui/models/{mnist}/steps": "#jumps > *",
    "/ui/predict": ".bars .best",
    "/ui/system": "main td",
}
WITH_CHARTS = ["/", "/ui/jobs/{job}", "/ui/models/{mnist}"]
FETCHED = """
globalThis.fetched = [];
const fetch = globalThis.fetch;
globalThis.fetch = (path, ...others) => (fetched.push(path), fetch(path, ...others));
"""


@pytest.fixture
def address(stack, models):
    card = requests.get(f"{stack.url}/models/{models['mnist']}", timeout=10).json()
    return lambda path: path.format(job=card["job"], **models)


@pytest.mark.parametrize("path", WITH_CHARTS)
def test_a_page_shows_its_data_before_plot_arrives(visit_slowly, address, path):
    page, release = visit_slowly(address(path))
    expect(page.locator(DATA[path]).first).to_be_visible()
    assert page.locator(".chart svg").count() == 0
    release()
    expect(page.locator(".chart svg").first).to_be_visible()


@pytest.fixture
def visit_slowly(browser, stack):
    """Open a page, and hold its request for Plot back."""
    opened = []

    def visit(path):
        watched = Watched(browser, stack.url)
        opened.append(watched)
        held, released = [], []

        def hold(route):
            # A page may ask for Plot after it was released.
            route.continue_() if released else held.append(route)

        def release():
            released.append(True)
            for route in held:
                route.continue_()

        watched.page.route("**/plot.js", hold)
        watched.page.goto(stack.url + path)
        return watched.page, release

    yield visit
    for watched in opened:
        watched.close()
    assert [fault for watched in opened for fault in watched.faults] == []


@pytest.mark.parametrize("path", DATA)
def test_a_page_requests_all_that_it_preloads_and_only_once(browser, stack, address, path):
    watched = Watched(browser, stack.url)
    sent = []
    watched.page.on("request", lambda request: sent.append(request.url.removeprefix(stack.url)))
    watched.page.add_init_script(FETCHED)
    page = watched.open(address(path))
    expect(page.locator(DATA[path]).first).to_be_visible()
    preloaded = page.locator("link[rel=preload]").evaluate_all(
        "links => links.map((link) => link.getAttribute('href'))"
    )
    fetched = page.evaluate("fetched")
    assert preloaded
    for one in preloaded:
        assert fetched.count(one) == sent.count(one) >= 1, one
    watched.close()


def test_a_page_loads_one_module_of_its_own(browser, stack, models):
    watched = Watched(browser, stack.url)
    watched.open("/ui/predict")
    watched.settle()
    modules = {url.split("/js/")[1] for url in watched.received if re.search(r"/js/.*\.js$", url)}
    assert modules == {"predict.js", "predict/first.js"}
    watched.close()


def test_the_first_predictions_are_requested_before_the_module_arrives(browser, stack, models):
    watched = Watched(browser, stack.url)
    sent, held = [], []
    watched.page.on(
        "request",
        lambda request: sent.append(request.url) if "explain=true" in request.url else None,
    )
    watched.page.route("**/js/predict.js", lambda route: held.append(route))
    watched.page.goto(stack.url + "/ui/predict", wait_until="commit")
    wait_until(
        lambda: watched.page.evaluate("true") and sent and held,
        what="a prediction and the module to be requested",
    )
    held[0].continue_()
    expect(watched.page.locator(".bars .best").first).to_be_visible()
    watched.settle()
    panels = watched.page.locator(".answers .model").count()
    assert len(set(sent)) == len(sent) == panels
    watched.page.click("#clear")
    watched.page.click("#undo")  # the example again: its responses are used only once
    expect(watched.page.locator(".bars .best").first).to_be_visible()
    watched.settle()
    assert len(sent) == 2 * panels
    assert watched.faults == []
    watched.close()
