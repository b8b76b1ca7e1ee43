"""On a phone, pages fit the narrowest screen, and a finger does what a user expects."""

import re

import pytest
import requests
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 375, "height": 700}, "is_mobile": True, "has_touch": True}
NARROW = {**PHONE, "viewport": {"width": 320, "height": 600}}
PAGES = [
    "/",
    "/ui/jobs/{job}",
    "/ui/models",
    "/ui/models/{mnist}",
    "/ui/predict",
    "/ui/mathematics",
    "/ui/system",
    "/docs",
    "/ui/glossary",
]


def swipe(page, start, dx, dy, steps=10):
    """Drag a finger from a place, in CSS pixels."""
    session = page.context.new_cdp_session(page)
    x, y = start

    def send(kind, points):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", [{"x": x, "y": y}])
    for i in range(1, steps + 1):
        send("touchMove", [{"x": x + dx * i / steps, "y": y + dy * i / steps}])
    send("touchEnd", [])


def middle(watched, locator):
    """Return the middle of an element, scrolled to the middle of the window.

    Parts above it that load only now would move it, so wait for them.
    """
    for _ in range(2):
        locator.evaluate("(element) => element.scrollIntoView({ block: 'center' })")
        watched.settle()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways(visit, stack, models, path):
    card = requests.get(f"{stack.url}/models/{models['mnist']}", timeout=10).json()
    watched = visit(stack.url, path.format(job=card["job"], **models), **NARROW)
    watched.settle()
    assert watched.page.evaluate("document.documentElement.scrollWidth") == 320
    assert watched.page.evaluate("innerWidth") == 320  # phones zoom out if something is wider


def test_back_keeps_the_form(visit, stack):
    page = visit(stack.url, "/", **PHONE).page
    page.fill("#epochs", "2")
    page.fill("#title", "mine")
    page.tap("text=How its gradient differs")
    expect(page.locator("h1")).to_have_text("Interactive mathematics")
    page.go_back()
    expect(page.locator("#changes")).to_contain_text("epochs 2")
    expect(page.locator("#epochs")).to_have_value("2")
    expect(page.locator("#title")).to_have_value("mine")


def test_a_tapped_term_is_explained_in_place(visit, stack):
    page = visit(stack.url, "/", **PHONE).page
    question = page.locator("a.term[href$='#epoch']")
    question.tap()
    expect(question.locator(".tip")).to_be_visible()
    assert "/ui/glossary" not in page.url
    tip, bar = question.locator(".tip").bounding_box(), page.locator(".go").bounding_box()
    assert tip["y"] + tip["height"] <= bar["y"]
    question.locator(".tip").tap()
    expect(page.locator("h1")).to_have_text("Glossary")


@pytest.mark.parametrize("width", [320, 375])
def test_the_bar_shows_the_time_of_a_training_with_many_changes(visit, stack, models, width):
    options = {**PHONE, "viewport": {"width": width, "height": 667}}
    path = "/?recipe=mnist-numpy&epochs=6&learning_rate=0.05&seed=3"
    page = visit(stack.url, path, **options).page
    expect(page.locator("#time")).to_have_text(re.compile("^takes about .* here$"))
    expect(page.locator("#time")).to_be_in_viewport(ratio=1)
    assert page.locator("#changes").inner_text() == "3 fields changed"  # the list has no room
    cut = "element => element.scrollHeight > element.clientHeight"
    assert not any(line.evaluate(cut) for line in page.locator(".chosen > *").all())


def test_the_link_to_predict_is_as_high_as_a_button(visit, stack, models):
    card = requests.get(f"{stack.url}/models/{models['mnist']}", timeout=10).json()
    page = visit(stack.url, f"/ui/jobs/{card['job']}", **PHONE).page
    link, button = page.locator("#left a"), page.locator("#actions .button").first
    expect(link).to_have_text("Try it in Predict")
    target, other = link.bounding_box(), button.bounding_box()
    assert target["height"] >= 44
    assert target["y"] + target["height"] <= other["y"]


@pytest.mark.parametrize("width", [320, 375])
def test_the_answer_stays_in_view_above_the_test_images(visit, stack, models, width):
    options = {**PHONE, "viewport": {"width": width, "height": 667}}
    page = visit(stack.url, f"/ui/predict?models={models['mnist']}", **options).page
    page.select_option("#samples-dataset", label="Fashion-MNIST")
    tile = page.get_by_role("group", name="Test samples of Fashion-MNIST").locator(".tile").last
    tile.scroll_into_view_if_needed()
    box = tile.bounding_box()
    assert min(box["width"], box["height"]) >= 44
    tile.tap()
    expect(page.locator("#summary")).to_contain_text("The model knows only digits.")
    expect(page.locator("#summary")).to_be_in_viewport(ratio=1)


def test_a_finger_drags_a_point_up(visit, stack):
    watched = visit(stack.url, "/ui/mathematics", **PHONE)
    page = watched.page
    point = page.locator("#regression-plot .knob").last
    expect(point).to_have_attribute("aria-label", "Point 10: x 9.0, y 0.8. Arrow keys move it")
    start = middle(watched, point)
    top = page.evaluate("scrollY")
    swipe(page, start, 0, -120)
    expect(point).not_to_have_attribute("aria-label", "Point 10: x 9.0, y 0.8. Arrow keys move it")
    assert point.bounding_box()["y"] < start[1] - 80
    assert page.evaluate("scrollY") == top


def test_a_finger_drags_the_corner_of_the_box_down(visit, stack):
    watched = visit(stack.url, "/ui/mathematics", **PHONE)
    page = watched.page
    expect(page.locator("#box-plot svg").first).to_be_visible()
    start = middle(watched, page.locator("#box-plot"))
    top = page.evaluate("scrollY")
    swipe(page, start, 0, 60)
    assert float(page.input_value("#height")) < -0.5
    assert page.evaluate("scrollY") == top


def test_a_swipe_over_a_slider_scrolls_and_changes_nothing(visit, stack):
    watched = visit(stack.url, "/ui/mathematics", **PHONE)
    page = watched.page
    slider = page.locator("#logits input").first
    start_x, start_y = middle(watched, slider)
    top = page.evaluate("scrollY")
    swipe(page, (start_x - 60, start_y), 0, -150)
    page.wait_for_function("(top) => scrollY > top + 50", arg=top)
    expect(slider).to_have_value("2")
    expect(page.locator("#logits output").first).to_have_text("2.0")
    start_x, start_y = middle(watched, slider)
    swipe(page, (start_x, start_y), 40, 0)
    expect(slider).not_to_have_value("2")


def test_a_long_state_fits_the_narrowest_phone(visit, stack):
    job = stack.wait_for(stack.train(recipe="mnist-numpy", learning_rate=10, epochs=1)["id"])
    for path in ("/", f"/ui/jobs/{job['id']}"):
        page = visit(stack.url, path, **NARROW).page
        state = page.locator(".state.guessing").first
        expect(state).to_contain_text("no better than guessing")
        # The longest state of a job, which depends on the last digits of a training
        state.evaluate("(one) => one.append(', but its loss is no lower than guessing: 24.0 %')")
        assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_corner_of_a_row_ticks_a_model(visit, stack, models):
    page = visit(stack.url, "/ui/models", **PHONE).page
    tick = page.locator(".tick").first
    box = tick.locator("label").bounding_box()
    assert min(box["width"], box["height"]) >= 44
    page.touchscreen.tap(box["x"] + 3, box["y"] + box["height"] - 3)
    expect(tick.locator("input")).to_be_checked()
