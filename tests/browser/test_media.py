"""With forced colors and on paper, bars, lines and numbers stay visible."""

import pytest
from playwright.sync_api import expect

from tests.processes import wait_until

# The colors of an element, as [red, green, blue], 0 to 255.
COLOR = (
    "(element, name) => getComputedStyle(element)[name].match(/[\\d.]+/g).slice(0, 3).map(Number)"
)


def color(locator, name):
    return tuple(locator.evaluate(COLOR, name))


def distance(one, other):
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def corner(canvas):
    """Return the color of a canvas's first pixel, read from a copy of it."""
    return tuple(
        canvas.evaluate(
            """(canvas) => {
                const copy = document.createElement("canvas").getContext("2d");
                copy.drawImage(canvas, 0, 0);
                return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
            }"""
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_and_chosen_segments_are_visible_with_forced_colors(open_page, scheme):
    page = open_page("/ui/predict", forced_colors="active", color_scheme=scheme)
    best = page.locator("#answers .bars .best i").first
    expect(best).to_be_visible()
    paper = color(page.locator("body"), "background-color")
    assert distance(color(best, "background-color"), paper) > 100
    chosen = page.locator(".segments input:checked + span").first
    other = page.locator(".segments input:not(:checked) + span").first
    assert distance(color(chosen, "background-color"), paper) > 100
    assert distance(color(chosen, "background-color"), color(chosen, "color")) > 100
    assert distance(color(other, "color"), paper) > 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_curves_are_visible_with_forced_colors(open_page, models, scheme):
    path = f"/ui/models/{models['fashion-mnist']}"
    page = open_page(path, forced_colors="active", color_scheme=scheme)
    curve = page.locator('.chart [stroke-width="2"]').first
    expect(curve).to_be_attached()
    paper = color(page.locator("body"), "background-color")
    assert distance(color(curve, "stroke"), paper) > 100


def test_a_dark_page_is_printed_dark_on_white(visit, stack, models):
    watched = visit(stack.url, f"/ui/models/{models['mnist']}", color_scheme="dark")
    watched.settle()
    page = watched.page
    face = page.locator(".confusion canvas").first
    wait_until(lambda: 0 < max(corner(face)) < 60, what="the image of a class")
    page.emulate_media(media="print", color_scheme="dark")
    assert color(page.locator("body"), "background-color") == (255, 255, 255)
    assert max(color(page.locator("body"), "color")) < 60
    wait_until(lambda: min(corner(face)) == 255, what="the image to be drawn on white")
    cut = page.evaluate(
        "[...document.querySelectorAll('main *')].filter((one) => "
        "one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== 'visible')"
        ".map((one) => one.outerHTML.slice(0, 80))"
    )
    assert [one for one in cut if 'class="sr"' not in one] == []


CONTROLS = (
    ".save, .request, .button, button.plain, nav, .segments input:not(:checked) + span, "
    "input:is([type=range], [type=checkbox], .choice *), #filters, #train"
)


@pytest.mark.parametrize(
    "path", ["/", "/ui/models", "/ui/models/latest", "/ui/predict", "/ui/mathematics"]
)
def test_no_controls_are_printed(visit, stack, models, path):
    watched = visit(stack.url, path)
    watched.settle()
    page = watched.page
    shown = (
        "(controls) => [...document.querySelectorAll(controls)]"
        ".filter((one) => one.checkVisibility()).map((one) => one.outerHTML.slice(0, 80))"
    )
    assert page.evaluate(shown, CONTROLS) != []
    page.emulate_media(media="print")
    assert page.evaluate(shown, CONTROLS) == []


def test_the_values_behind_a_printed_figure_are_printed(open_page):
    page = open_page("/ui/mathematics")
    page.emulate_media(media="print")
    expect(page.locator("#logits output").first).to_have_text("2.0")
    expect(page.locator("#logits output").first).to_be_visible()
    expect(page.locator("#plane-function")).to_have_css("border-top-width", "0px")  # as text


NOT_LOADED = "Not loaded yet. Print again, or scroll here first."
# The titles of the sections that say, on paper, that they are not loaded.
MISSING = """(words) => [...document.querySelectorAll("section")]
    .filter((one) => getComputedStyle(one, "::after").content === `"${words}"`)
    .map((one) => one.querySelector("h2").textContent)"""
WAITING = "document.querySelectorAll('[data-waiting]').length"


def test_figures_that_are_not_loaded_say_so_on_paper(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    assert page.evaluate(MISSING, NOT_LOADED) == []  # on a screen, they load when they are seen
    page.emulate_media(media="print")
    assert page.evaluate(MISSING, NOT_LOADED) == [
        "Mistakes",
        "Layers",
        "Weights before and after training",
        "Weights of the first layer",
        "A test image in the network",
        "The test images in two dimensions",
    ]
    for empty in ("#mistakes-form", "#hists", "#tiles", "#which", "#maps", "#projection"):
        expect(page.locator(empty)).to_be_hidden()
    expect(page.locator("#confusion")).to_be_visible()


@pytest.mark.parametrize("path", ["/ui/models/latest", "/ui/mathematics"])
def test_printing_again_prints_everything(open_page, path):
    page = open_page(path)
    assert page.evaluate(WAITING) > 0
    page.pdf()
    wait_until(lambda: page.evaluate(WAITING) == 0, what="the rest of the page to load")
    page.emulate_media(media="print")
    assert page.evaluate(MISSING, NOT_LOADED) == []


# After 5 s, the page would print what it has by then, which on a slow machine is not all.
WAIT_AS_LONG_AS_IT_TAKES = """((start) => {
    setTimeout = (act, ms) => (ms < 5000 ? start(act, ms) : 0);
})(setTimeout)"""


@pytest.mark.parametrize("key", ["Control+p", "Meta+p"])
def test_the_keys_that_print_wait_for_the_whole_page(open_page, key):
    page = open_page("/ui/models/latest")
    drawn = "document.querySelectorAll('#hists svg').length"
    page.evaluate(WAIT_AS_LONG_AS_IT_TAKES)
    page.evaluate(f"void (print = () => {{ window.printed = [{WAITING}, {drawn}]; }})")
    page.keyboard.press(key)
    wait_until(lambda: page.evaluate("window.printed"), what="the page to be printed")
    waiting, histograms = page.evaluate("window.printed")
    assert waiting == 0
    assert histograms > 0


def test_a_printed_figure_of_a_model_fits_its_page(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    tile = page.locator("#tiles .tile").first
    tile.scroll_into_view_if_needed()
    expect(page.locator("#tiles [aria-pressed=true]")).to_be_visible()
    page.emulate_media(media="print")
    for framed in ("#tiles [aria-pressed=true]", ".scatter canvas"):
        style = page.locator(framed).first.evaluate(
            "(one) => [getComputedStyle(one).outlineWidth, getComputedStyle(one).outlineOffset]"
        )
        width, offset = (float(length.removesuffix("px")) for length in style)
        assert width > 0
        assert width + offset <= 0  # the frame is within the figure, so paper does not cut it
    tall = "document.querySelector('.model .facts').offsetHeight"
    rows = page.locator(".model .facts dt").count()
    assert page.evaluate(tall) < 24 * rows  # pixels: two columns
