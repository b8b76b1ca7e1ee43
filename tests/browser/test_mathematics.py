"""The mathematics page in a browser. The API computes every figure."""

import re
from urllib.parse import parse_qs

import pytest
import requests
from playwright.sync_api import expect

from tests.processes import wait_until


def test_the_links_to_the_parts_stay_in_view(open_page):
    page = open_page("/ui/mathematics", viewport={"width": 320, "height": 640})
    page.get_by_role("navigation", name="On this page").get_by_text("Gradient").click()
    heading = page.get_by_role("heading", name="Is the gradient correct?")
    expect(heading).to_be_in_viewport()
    links = page.locator(".parts")
    expect(links).to_be_in_viewport()
    below = links.bounding_box()["y"] + links.bounding_box()["height"]
    assert heading.bounding_box()["y"] >= below


def test_rows_of_the_jacobian_sum_to_0(open_page, models):
    page = open_page("/ui/mathematics")
    page.select_option("#from", "seven")
    expect(page.locator("#jacobian tbody tr")).to_have_count(10)
    expect(page.locator("#jacobian tbody th .y").nth(7)).to_have_text("y7")  # the class's name
    expect(page.locator("#target option")).to_have_text([str(digit) for digit in range(10)])
    image = page.locator("#softmax-image")
    expect(image).to_contain_text(
        re.compile("Test image 0 shows a 7. m-[0-9a-f]{12} reads it as a")
    )
    expect(image.get_by_role("img")).to_have_attribute("aria-label", "Test image 0: a 7")
    assert set(page.locator("#jacobian tbody td.n").all_inner_texts()) == {"0"}
    expect(page.locator("#jacobian-check")).to_contain_text("10")
    expect(page.locator("#target")).to_have_value("7")
    page.focus("#logits label:nth-child(8) input")
    page.keyboard.press("ArrowLeft")
    expect(image).to_contain_text("You have changed its logits.")
    expect(page.locator("#from")).to_have_value("")


def test_a_certain_class_has_a_loss(open_page):
    page = open_page("/ui/mathematics?logits=40,0&target=0")
    expect(page.locator("#softmax-loss")).to_have_text(
        "The cross-entropy −log y1 is 4 · 10−18 nats. Its derivative with respect to z1 is "
        "y1 − 1 = −4 · 10−18.",
        use_inner_text=True,
    )
    page.select_option("#target", label="2")
    expect(page.locator("#softmax-loss")).to_contain_text("−log y2 is 40.000 nats")
    expect(page.locator("#softmax-request")).to_contain_text('"target": 1')


def test_an_infinite_loss_is_explained(open_page):
    page = open_page("/ui/mathematics?logits=1e308,-1e308&target=1")
    expect(page.locator("#softmax-loss")).to_contain_text("exceeds the largest float64")


def test_a_slider_changes_the_box(open_page):
    page = open_page("/ui/mathematics")
    page.focus("#height")
    page.keyboard.press("Home")
    expect(page.locator("#box-values")).to_contain_text("−3.0")
    expect(page.locator("#box-network")).to_contain_text("bias −3.0")


def test_arrow_keys_move_the_outlier_which_keeps_the_focus(open_page):
    page = open_page("/ui/mathematics")
    expect(page.locator("#fits tbody tr")).to_have_count(2)
    before = page.locator("#fits").inner_text()
    page.focus(".knob.out")
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    expect(page.locator("#fits")).not_to_have_text(before)
    expect(page.locator(".knob.out")).to_be_focused()


def test_other_lines_with_the_same_loss_are_mentioned(open_page):
    """All lines between (2, 1) and (2, 3) through the point (6, 4) have the same loss."""
    page = open_page("/ui/mathematics?points=2,1;2,3;6,4")
    proof = page.locator("#regression-proof")
    expect(proof).to_contain_text("the intercept can be from −0.50 to 2.50")
    expect(proof).to_contain_text("the slope from 0.25 to 0.75")


def test_the_gradients_of_a_model_are_checked(open_page, models):
    page = open_page(f"/ui/mathematics?check={models['mnist']}#check")
    page.locator("#check").scroll_into_view_if_needed()
    layers = page.locator("#check-table thead th")
    expect(layers).to_have_text(["Layer: inputs → outputs", "784 → 32", "32 → 32", "32 → 10"])
    published = page.get_by_role("row", name="Published gradient").locator("td")
    expect(published).to_contain_text(["off", "off", "10"])
    expect(page.locator("#check-table")).to_contain_text("Units at a kink")
    expect(page.locator("#check-words")).to_contain_text("stored as float64")


def test_the_model_that_an_alias_names_is_the_one_that_is_checked(open_page, stack, models):
    stack.wait_for(stack.train(recipe="mnist-numpy", learning_rate=10, epochs=1)["id"])
    latest = requests.get(f"{stack.url}/models/latest-mnist", timeout=10).json()
    assert latest["evaluation"]["better_than_guessing"]  # unlike the newest model
    page = open_page("/ui/mathematics#check")
    page.locator("#check").scroll_into_view_if_needed()
    option = page.locator("#check-model option[value=latest-mnist]")
    accuracy = f"{100 * latest['evaluation']['accuracy']:.2f}"
    expect(option).to_have_text(re.compile(rf"^latest-mnist: {accuracy}\s%, "))


def test_a_link_restores_the_state(open_page):
    page = open_page("/ui/mathematics")
    page.fill("#function", "exp(-x**2)")
    page.select_option("#from", "wrong")
    expect(page.locator("#jacobian tbody tr")).to_have_count(10)

    def address_is_updated():
        said = parse_qs(page.evaluate("location.search.slice(1)"))
        logits = said.get("logits", [""])[0].split(",")
        return said.get("function") == ["exp(-x**2)"] and len(logits) == 10

    wait_until(address_is_updated)
    logits = page.locator("#softmax-request code").inner_text()
    again = open_page(page.url[page.url.index("/ui/") :])
    expect(again.locator("#function")).to_have_value("exp(-x**2)")
    expect(again.locator("#softmax-request code")).to_have_text(logits)


def test_wrong_values_of_a_link_are_not_replaced_silently(open_page):
    page = open_page("/ui/mathematics?logits=1,x&points=1,2;300,4")
    for section, name in (("softmax", "logits"), ("regression", "points")):
        notice = page.locator(f"#{section} .notice")
        expect(notice).to_contain_text(f"Its {name} cannot be read, so this page shows others.")
    expect(page.locator("#jacobian tbody tr")).to_have_count(5)
    expect(page.locator(".knob")).to_have_count(10)


def test_values_of_a_link_that_sliders_cannot_show_are_not_replaced_silently(open_page):
    page = open_page("/ui/mathematics?n=1000&bound=-9&height=5&width=1.25&target=7&widths=wide")
    said = page.locator("#boxes .notice")
    expect(said.filter(has_text="Its n is 1000, but the slider")).to_contain_text(
        "reaches from 1 to 256, so this page shows 256."
    )
    expect(said.filter(has_text="Its bound is −9")).to_contain_text("so this page shows 0.5.")
    expect(said.filter(has_text="Its widths cannot be read")).to_have_count(1)
    box = page.locator("#box .notice")
    expect(box.filter(has_text="Its height is 5, but")).to_contain_text("from −3 to 3")
    expect(box.filter(has_text="The slider has no width of 1.25")).to_have_count(1)
    expect(page.locator("#softmax .notice")).to_contain_text("Its target cannot be read")
    usual = open_page("/ui/mathematics?n=16&bound=3&height=0.3&width=2.1")
    expect(usual.locator("#boxes-words b")).to_have_text("16 boxes: 17 neurons")
    expect(usual.locator(".notice")).to_have_count(0)


def test_each_request_of_the_sums_stands_below_its_figure(open_page):
    page = open_page("/ui/mathematics", viewport={"width": 375, "height": 740})
    for plot, request, name in (
        ("rate-plot", "boxes-request", "Both plots of f(x)"),
        ("plane", "plane-request", "In the plane, f(x, y)"),
    ):
        after = page.locator(f"figure:has(#{plot}) + #{request}")
        expect(after.locator("p")).to_have_text(name)


@pytest.mark.parametrize("width", [320, 375, 700, 1000, 1280])
def test_the_drawing_of_the_network_has_readable_type(open_page, width):
    page = open_page("/ui/mathematics", viewport={"width": width, "height": 740})
    texts = page.locator("#box-network :is(.weight, .bias)")
    expect(texts).to_have_count(7)
    sizes = texts.evaluate_all(
        """texts => texts.map((text) =>
            parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a
              / Math.cos(Math.atan2(text.getScreenCTM().b, text.getScreenCTM().a)))"""
    )
    assert min(sizes) >= 11


@pytest.mark.parametrize("width", [1280, 1920])
def test_in_large_type_controls_are_beside_their_figure(open_page, width):
    page = open_page("/ui/mathematics?projector", viewport={"width": width, "height": 900})
    for controls, figure in (("#n", "#boxes-plot"), ("#height", "#box-plot")):
        page.locator(controls).scroll_into_view_if_needed()
        control, plot = (page.locator(one).bounding_box() for one in (controls, figure))
        assert control["x"] + control["width"] <= plot["x"]
    page.locator("#bound").scroll_into_view_if_needed()
    control, plot = (page.locator(one).bounding_box() for one in ("#bound", "#boxes-plot"))
    assert plot["y"] <= control["y"] <= plot["y"] + plot["height"]
