"""Figures are saved as SVG, PNG and CSV."""

import csv
import io
import re
from xml.etree import ElementTree

import pytest
import requests
from PIL import Image
from playwright.sync_api import expect

SVG = "{http://www.w3.org/2000/svg}"
PAPER = {"light": (252, 252, 250), "dark": (20, 22, 25)}  # --paper of style.css


@pytest.fixture
def save(visit, stack):
    """Open the mathematics, and return a function that saves one of its figures.

    The figures are drawn before the answers to their first requests, and are saved after them.
    """

    def save(figure, kind, scheme="light"):
        page = visit(stack.url, "/ui/mathematics", color_scheme=scheme).page
        chart = page.locator(f"#{figure}")
        chart.scroll_into_view_if_needed()
        expect(chart.locator("td, svg text, canvas").first).to_be_visible()
        expect(page.locator(f"figure:has(#{figure})[aria-busy]")).to_have_count(0)
        menu = page.locator(f"figure:has(#{figure}) .save")
        menu.locator("summary").click()
        with page.expect_download() as saved:
            menu.get_by_text(kind).click()
        return saved.value.suggested_filename, saved.value.path().read_bytes()

    return save


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chart_is_saved_as_an_svg_that_needs_no_style_sheet(save, scheme):
    name, data = save("rate-plot", "SVG", scheme)
    assert name == "stepbox-error-of-boxes.svg"
    text = data.decode()
    assert not re.search(r"var\(|\sclass=|\sstyle=|<style", text)
    root = ElementTree.fromstring(text)
    assert root.find(f"{SVG}title").text.startswith("The largest error")
    assert root.find(f"{SVG}rect").get("fill") == f"rgb{PAPER[scheme]}"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "The largest error, by the number of boxes" in texts  # a title that people see
    assert "Sums of boxes approximate functions · Mathematics · Stepbox" in texts
    assert "Boxes n (log scale)" in "".join(root.itertext())
    assert root.findall(f".//{SVG}svg")[0].get("font-family")
    clips = {clip.get("id") for clip in root.iter(f"{SVG}clipPath")}
    assert clips
    assert set(re.findall(r'clip-path="url\(#(.*?)\)"', text)) <= clips


def test_a_table_of_colors_and_a_heat_map_are_saved_as_svg(save):
    _, data = save("jacobian", "SVG")
    texts = [text.text for text in ElementTree.fromstring(data).iter(f"{SVG}text")]
    assert texts.count("0.24") == 1  # a cell of the Jacobian
    _, data = save("plane", "SVG")
    root = ElementTree.fromstring(data)
    assert "sin(3*x)*cos(2*y)" in root.itertext()  # what its text field says
    assert len(root.findall(f".//{SVG}rect")) == 1  # the paper: the field itself is not drawn
    images = list(root.iter(f"{SVG}image"))
    # The function, the boxes, and the scale of colors.
    assert [image.get("href")[:22] for image in images] == ["data:image/png;base64,"] * 3


@pytest.mark.parametrize(("figure", "scheme"), [("regression-plot", "dark"), ("plane", "light")])
def test_a_figure_is_saved_as_a_png_of_twice_its_size(save, figure, scheme):
    _, data = save(figure, "PNG", scheme)
    _, drawing = save(figure, "SVG", scheme)
    root = ElementTree.fromstring(drawing)
    image = Image.open(io.BytesIO(data)).convert("RGB")
    assert image.size == (2 * int(root.get("width")), 2 * int(root.get("height")))
    assert image.getpixel((0, 0)) == PAPER[scheme]
    assert len(image.getcolors(1 << 20)) > 20  # not only paper


def test_the_data_of_a_figure_is_saved_as_csv(save):
    name, data = save("jacobian", "CSV")
    assert name == "stepbox-softmax-jacobian.csv"
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert [row["class"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert sum(float(row["probability y"]) for row in rows) == pytest.approx(1)
    assert float(rows[0]["dy/dz_1"]) == pytest.approx(0.2416, abs=1e-3)


@pytest.mark.parametrize(
    ("figure", "columns"),
    [
        ("box-plot", "x,b(x)"),
        ("boxes-plot", "x,f(x),sum of boxes"),
        ("plane", 'x,y,"f(x, y)",sum of boxes'),
        ("regression-plot", "x,y,L1 line at x,L2 line at x"),
    ],
)
def test_the_columns_of_a_file_are_named_for_people(save, figure, columns):
    _, data = save(figure, "CSV")
    assert data.decode().splitlines()[0] == columns


def test_the_columns_and_the_file_name_tell_what_the_data_are(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    menu = page.locator("figure:has(#confusion) .save")
    menu.locator("summary").click()
    with page.expect_download() as saved:
        menu.get_by_text("CSV").click()
    assert saved.value.suggested_filename == f"stepbox-confusion-matrix-{models['mnist']}.csv"
    rows = list(csv.DictReader(io.StringIO(saved.value.path().read_text())))
    assert list(rows[0]) == ["true class", *(f"predicted {digit}" for digit in range(10))]
    assert [row["true class"] for row in rows] == [str(digit) for digit in range(10)]


def test_a_saved_figure_has_no_controls(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    projection = page.locator("#projection")
    projection.scroll_into_view_if_needed()
    expect(projection).to_contain_text("variance along x")
    menu = projection.locator(".save")
    menu.locator("summary").click()
    with page.expect_download() as saved:
        menu.get_by_text("SVG").click()
    texts = list(ElementTree.fromstring(saved.value.path().read_text()).itertext())
    assert "logits" in texts  # the layer that is chosen
    assert {"Before training", "After training"} <= set(texts)
    assert not {"pixels", "Highlight", "Open in Predict"} & set(texts)


# What a page draws without a menu that saves it, and why.
UNSAVED = {
    "#faces, #samples, #softmax-image, .cellpictures, .strip8": "samples to look at or to choose",
    "#datasets": "data sets to choose",
    "#board": "what the user draws",
    "#sketch": "what the form says, as a sketch",
    ".spark, .strip": "small drawings in lists of jobs and models",
    ".swatch": "the lines of a legend",
    "#large": "enlarges a tile of the figure beside it",
}
DRAWN = """(apart) => [...document.querySelectorAll("main :is(svg, canvas)")]
    .filter((one) => one.checkVisibility() && !one.closest(`.savable, ${apart}`))
    .map((one) => one.parentElement.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ui/jobs/{job}",
        "/ui/models?compare={digits},{clothes}",
        "/ui/models/{digits}",
        "/ui/models/{digits}/steps?phase=update",
        "/ui/playground",
        "/ui/predict",
        "/ui/mathematics",
        "/ui/data",
        "/ui/data/mnist",
        "/ui/system",
    ],
)
def test_every_plot_can_be_saved(visit, stack, models, path):
    digits, clothes = models["mnist"], models["fashion-mnist"]
    [job] = requests.get(f"{stack.url}/jobs?limit=1", timeout=10).json()["jobs"]
    watched = visit(stack.url, path.format(job=job["id"], digits=digits, clothes=clothes))
    page = watched.page
    for _ in range(0, page.evaluate("document.body.scrollHeight"), 600):
        page.mouse.wheel(0, 600)  # many figures are drawn once they are near
        watched.settle()
    assert page.evaluate(DRAWN, ", ".join(UNSAVED)) == []


def test_the_weights_of_a_neuron_are_saved(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}/steps?step=9&phase=update&layer=2&neuron=3")
    menu = page.locator("figure:has(#panels) .save")
    menu.locator("summary").click()
    with page.expect_download() as saved:
        menu.get_by_text("CSV").click()
    assert saved.value.suggested_filename == f"stepbox-{models['mnist']}-step-9-weights.csv"
    rows = list(csv.DictReader(io.StringIO(saved.value.path().read_text())))
    assert [row["input"] for row in rows] == [str(i) for i in range(32)]
    for row in rows:
        step = -0.03 * float(row["derivative"])
        assert float(row["weight after"]) == pytest.approx(float(row["weight before"]) + step)


# The words under the button that opens each menu, and the menus that reach out of the window.
COVERED = """() => {
    const texts = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const around = walk.currentNode.parentElement;
        const apart = around.closest(".save, .sr, .go") || !around.checkVisibility();
        if (walk.currentNode.data.trim() && !apart) texts.push(walk.currentNode);
    }
    const meets = (a, b) => a.left < b.right && b.left < a.right &&
        a.top + 1 < b.bottom && b.top + 1 < a.bottom;
    return [...document.querySelectorAll(".save")].flatMap((menu) => {
        const button = menu.querySelector("summary").getBoundingClientRect();
        const under = texts.filter((text) => {
            const range = document.createRange();
            range.selectNodeContents(text);
            return [...range.getClientRects()].some((rect) => meets(rect, button));
        });
        menu.open = true;
        const { left, right } = menu.querySelector(".save-items").getBoundingClientRect();
        menu.open = false;
        const outside = left < 0 || right > document.documentElement.clientWidth;
        return [...under.map((text) => text.data), ...(outside ? ["outside"] : [])];
    });
}"""


@pytest.mark.parametrize("width", [1280, 375, 320])
@pytest.mark.parametrize(
    "path", ["/", "/ui/jobs/{job}", "/ui/models/{model}", "/ui/predict", "/ui/mathematics"]
)
def test_the_menus_cover_nothing(open_page, stack, models, path, width):
    card = requests.get(f"{stack.url}/models/{models['mnist']}", timeout=60).json()
    address = path.format(job=card["job"], model=models["mnist"])
    page = open_page(address, viewport={"width": width, "height": 800}, has_touch=width < 1280)
    expect(page.locator(".save").first).to_be_attached()
    expect(page.locator("main figure :is(svg, canvas)").first).to_be_attached()
    assert page.evaluate(COVERED) == []


def test_the_menu_works_with_the_keyboard(visit, stack):
    page = visit(stack.url, "/ui/mathematics").page
    menu = page.locator("figure:has(#jacobian) .save")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_text("CSV")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(menu.get_by_text("CSV")).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == "Save"
    page.keyboard.press("Enter")
    expect(menu.get_by_text("CSV")).to_be_visible()
    page.locator("#logits input").first.focus()  # elsewhere
    expect(menu.get_by_text("CSV")).to_be_hidden()
    menu.locator("summary").click()
    page.click("h1")
    expect(menu.get_by_text("CSV")).to_be_hidden()
