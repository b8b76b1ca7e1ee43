"""What a training has learned so far, on the page of its job while it runs."""

import re

import pytest
import requests
from playwright.sync_api import expect

from tests.processes import wait_until

PIXELS = "all => all.map((canvas) => canvas.toDataURL())"
LAYERS = [{"type": "convolution", "channels": 4, "kernel": 5}, {"type": "max-pool", "size": 4}]


def pictures(page):
    return page.locator("#live-tiles canvas").evaluate_all(PIXELS)


def cancel(stack, id):
    """Cancel a job unless it has ended."""
    requests.post(f"{stack.url}/jobs/{id}/cancel", timeout=10)
    stack.wait_for(id)


@pytest.fixture
def follow(visit, stack):
    """Start a training and open its page; cancel it at the end of the test."""
    started = []

    def follow(options=None, **fields):
        id = stack.train(**fields)["id"]
        started.append(id)
        return id, visit(stack.url, f"/ui/jobs/{id}", **(options or {}))

    yield follow
    for id in started:
        cancel(stack, id)


def test_the_images_and_the_mistakes_change_with_the_epochs(follow):
    _, watched = follow(epochs=1000, hidden_sizes=[8], seed=5)
    page = watched.page
    words, layer = page.locator("#live-words"), page.locator("#live-layer-words")
    expect(page.get_by_role("heading", name="What it has learned so far")).to_be_visible()
    expect(words).to_contain_text(re.compile(r"the network misreads [\d,]+ of 10,000 test images"))
    expect(layer).to_contain_text("All 8 neurons, ")
    expect(page.locator("#live-tiles canvas")).to_have_count(8)
    first, top = pictures(page), page.locator("#live-tiles").bounding_box()
    expect(page.locator("#live-mistakes li")).to_have_count(24)
    caption = page.locator("#live-mistakes li").first.inner_text()
    assert re.fullmatch(r"\d read as \d\s+[>\d.]+\s%", caption), caption
    wait_until(lambda: page.wait_for_timeout(50) or pictures(page) != first, what="other images")
    assert len(set(pictures(page))) == 8
    assert page.locator("#live-tiles").bounding_box() == top


def test_the_end_of_a_training_links_to_what_its_model_has_learned(follow, stack):
    running, _ = follow(epochs=1000)
    id, watched = follow(epochs=2, hidden_sizes=[8])  # it waits: the worker runs one job at a time
    page = watched.page
    expect(page.locator("#live-words")).to_contain_text("It has learned nothing yet")
    cancel(stack, running)
    link = page.get_by_role("link", name="See what its model has learned")
    expect(link).to_be_visible()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/ui/models/{stack.job(id)['model']}#tiles-title")


def test_the_page_of_a_job_that_has_ended_does_not_ask(visit, stack):
    id = stack.wait_for(stack.train(epochs=1, hidden_sizes=[2])["id"])["id"]
    watched = visit(stack.url, f"/ui/jobs/{id}")
    watched.settle()
    expect(watched.page.locator("#live")).to_be_hidden()
    assert not [url for url in watched.received if "first-layer" in url or "mistakes" in url]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_filters_of_a_convolution_on_a_phone(follow, scheme):
    options = {
        "viewport": {"width": 375, "height": 700},
        "color_scheme": scheme,
        "reduced_motion": "reduce",
    }
    _, watched = follow(
        options, recipe="mnist-torch-convolution", layers=LAYERS, epochs=1000, augmentation="none"
    )
    page = watched.page
    expect(page.locator("#live-layer-words")).to_contain_text("All 4 filters")
    expect(page.locator("#live-mistakes li")).to_have_count(24)
    assert watched.axe() == []
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    blank = page.evaluate(
        "() => { const one = document.createElement('canvas');"
        " [one.width, one.height] = [5, 5]; return one.toDataURL(); }"
    )
    assert len({*pictures(page), blank}) == 5


def test_the_images_are_saved_as_they_are_shown(follow, stack):
    id, watched = follow(epochs=1000, hidden_sizes=[3])
    page = watched.page
    expect(page.locator("#live-layer-words")).to_contain_text("All 3 neurons")
    expect(page.locator("#live-mistakes li")).to_have_count(24)
    expect(page.locator("#live-layer-request")).to_contain_text("/first-layer?limit=64")
    expect(page.locator("#live-mistakes-request")).to_contain_text("/mistakes?limit=24")
    for host, rows in (("#live-tiles", 3 * 784), ("#live-mistakes", 24)):
        figure = page.locator("figure", has=page.locator(host))
        figure.locator(".save summary").click()
        with page.expect_download() as download:
            figure.get_by_role("button", name="CSV, the data").click()
        lines = download.value.path().read_text().splitlines()
        assert len(lines) == 1 + rows
    assert lines[0] == "test image,true class,predicted class,probability"
    cancel(stack, id)
    expect(page.locator("#live-words")).to_contain_text("The training has ended")
    watched.settle()


def test_after_a_cancellation_the_count_of_mistakes_stays(follow, stack):
    id, watched = follow(epochs=1000, hidden_sizes=[3])
    words = watched.page.locator("#live-words")
    expect(words).to_contain_text("the network misreads")
    cancel(stack, id)
    expect(words).to_have_text(
        re.compile(
            r"the network misreads [\d,]+ of 10,000 test images\. The training has ended\.\s*$"
        )
    )


def test_a_training_that_ends_before_it_has_learned_anything_shows_no_images(follow, stack):
    follow(epochs=1000)
    waiting, watched = follow(epochs=1000)  # the worker runs one job at a time
    page = watched.page
    expect(page.locator("#live-words")).to_contain_text("It has learned nothing yet")
    cancel(stack, waiting)
    expect(page.locator("#live-words")).to_have_text("The training has ended.")
    expect(page.locator("#live figure:visible")).to_have_count(0)
