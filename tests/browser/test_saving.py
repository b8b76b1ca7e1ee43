"""Figures are saved as SVG, PNG and CSV."""

import csv
import io
import re
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import expect

SVG = "{http://www.w3.org/2000/svg}"
PAPER = {"light": (252, 252, 250), "dark": (20, 22, 25)}  # --paper of style.css


@pytest.fixture
def save(visit, stack):
    """Open the mathematics, and return a function that saves one of its figures."""

    def save(figure, kind, scheme="light"):
        page = visit(stack.url, "/ui/mathematics", color_scheme=scheme).page
        chart = page.locator(f"#{figure}")
        chart.scroll_into_view_if_needed()
        expect(chart.locator("td, svg text, canvas").first).to_be_visible()
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
    words = "".join(root.itertext())
    assert "Boxes n (log scale)" in words
    assert root.findall(f".//{SVG}svg")[0].get("font-family")
    clips = {clip.get("id") for clip in root.iter(f"{SVG}clipPath")}
    assert clips
    assert set(re.findall(r'clip-path="url\(#(.*?)\)"', text)) <= clips


def test_a_table_of_colors_and_a_heat_map_are_saved_as_svg(save):
    _, data = save("jacobian", "SVG")
    texts = [text.text for text in ElementTree.fromstring(data).iter(f"{SVG}text")]
    assert texts.count("0.24") == 1  # a cell of the Jacobian
    _, data = save("plane", "SVG")
    images = list(ElementTree.fromstring(data).iter(f"{SVG}image"))
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
    menu.locator("summary").click()
    page.click("h1")
    expect(menu.get_by_text("CSV")).to_be_hidden()
