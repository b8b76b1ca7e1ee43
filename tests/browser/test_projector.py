"""Large type, for a projector."""

import pytest
import requests
from playwright.sync_api import expect

from tests.processes import wait_until

PAGES = ["/", "/ui/jobs/{job}", "/ui/models", "/ui/models/latest", "/ui/predict", "/ui/mathematics"]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("path", [*PAGES, "/ui/system"])
def test_large_type_fits_the_window(open_page, stack, path):
    [job] = requests.get(f"{stack.url}/jobs?limit=1", timeout=10).json()["jobs"]
    page = open_page(path.format(job=job["id"]))
    size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    before = page.evaluate(size)
    page.click("#projector")
    assert page.evaluate(size) == 1.5 * before
    wait_until(lambda: page.evaluate(OVERFLOW) <= 0, what="the charts to be drawn again")


def test_large_type_is_kept_and_turned_off(open_page):
    page = open_page("/ui/system?projector")
    button = page.locator("#projector")
    expect(button).to_have_attribute("aria-pressed", "true")
    page.click("nav >> text=Mathematics")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "false")


def test_the_first_view_of_the_jobs_has_the_recipes(open_page):
    page = open_page("/?projector", viewport={"width": 1280, "height": 800})
    expect(page.get_by_role("radio", name="Start here")).to_be_in_viewport(ratio=1)
    expect(page.locator("#chosen")).to_be_in_viewport(ratio=1)


def test_charts_grow_with_the_type_and_still_follow_the_pointer(open_page):
    page = open_page("/ui/mathematics")
    label = page.locator("#box-plot svg text").first
    height = "label => label.getBoundingClientRect().height"  # 0 if it was just replaced
    small = label.evaluate(height)
    page.click("#projector")
    wait_until(
        lambda: label.evaluate(height) == pytest.approx(1.5 * small, rel=0.1),
        what="the chart to be drawn again",
    )
    plot = page.locator("#box-plot")
    plot.scroll_into_view_if_needed()
    dot = page.locator("#box-plot svg [aria-label=dot] circle").last
    box = dot.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    width = page.locator("#width")
    before = width.input_value()
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.up()
    assert float(width.input_value()) == pytest.approx(float(before), abs=0.15)


def test_compared_models_have_their_names_at_the_curves(open_page, models):
    page = open_page(f"/ui/models?projector&compare={','.join(models.values())}#compare")
    expect(
        page.locator("#compare-loss .end", has_text="fashion-mnist-torch, epochs 3")
    ).to_be_visible()
    expect(page.locator("#models thead th", has_text="Created")).to_be_visible()
    page.click("text=Back to the list")
    expect(page.locator("#models thead")).to_be_in_viewport()
