"""The page for predictions with models of uploaded data sets, in an installation of their own."""

import io
import zipfile

import numpy as np
import pytest
import requests
from PIL import Image
from playwright.sync_api import expect

from tests.browser.test_appearance import MOST_SHIFT, RECORD_SHIFTS
from tests.browser.test_predicting import ONE, draw, seen
from tests.processes import stack_in, wait_until

HUES = {"blue": (20, 40, 200), "green": (20, 200, 40), "red": (200, 20, 40)}
SIDE = 20  # pixels
COLUMNS = 50  # more than the page has fields for
MANY = 15  # classes: more than the page shows at first


def hues():
    """Make a zip of three folders with ten color images each: bright ones with a colored bar."""
    random = np.random.default_rng(0)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, hue in HUES.items():
            for index in range(10):
                pixels = random.integers(230, 256, (SIDE, SIDE, 3), dtype=np.uint8)
                pixels[:, 8 + index % 3 : 12 + index % 3] = hue
                image = io.BytesIO()
                Image.fromarray(pixels).save(image, "png")
                archive.writestr(f"{name}/{index}.png", image.getvalue())
    return file.getvalue()


def table(columns, classes):
    """Make a CSV file in which the first column tells the class."""
    rows = [
        [str(10 * label + i % 3), *(str((i + j) % 7) for j in range(1, len(columns))), name]
        for label, name in enumerate(classes)
        for i in range(10)
    ]
    return "\n".join(",".join(row) for row in [[*columns, "label"], *rows]).encode()


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    """Run an installation with a model of each data set; return it and their ids."""
    wide = [f"column-{i}" for i in range(COLUMNS)]
    files = {
        "hues": hues(),
        "heights": table(["height", "width"], ["short", "tall"]),
        "wide": table(wide, ["low", "high"]),
        "many": table(["height", "width"], [f"class number {i}" for i in range(MANY)]),
    }
    with stack_in(tmp_path_factory.mktemp("uploads")) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        models = {}
        for name, content in files.items():
            address = f"{stack.url}/datasets"
            job = requests.post(address, params={"name": name}, data=content, timeout=10).json()
            dataset = stack.wait_for(job["id"])["dataset"]
            training = stack.train(
                recipe="mnist-numpy", dataset=dataset, epochs=60, batch_size=4, learning_rate=0.1
            )
            models[name] = stack.wait_for(training["id"])["model"]
        yield stack, models


@pytest.fixture
def open_model(visit, uploads):
    """Open the page with the model of a data set."""
    stack, models = uploads

    def open_model(name, more="", **options):
        return visit(stack.url, f"/ui/predict?models={models[name]}{more}", **options)

    return open_model


@pytest.mark.parametrize(("mode", "width"), [("light", 1280), ("dark", 375)])
@pytest.mark.parametrize("name", ["hues", "heights", "wide", "many"])
def test_the_page_is_accessible_fits_and_stays(open_model, browser, uploads, name, mode, width):
    options = {"color_scheme": mode, "viewport": {"width": width, "height": 800}}
    watched = open_model(name, **options)
    watched.settle()
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.axe() == []
    context = browser.new_context(**options)
    page = context.new_page()
    page.add_init_script(RECORD_SHIFTS)
    page.goto(watched.page.url)
    expect(page.locator("#samples button")).not_to_have_count(0)
    expect(page.locator(".answer .bars .best")).to_have_count(1)
    shifts = page.evaluate("shifts.map(({ value }) => value)")
    context.close()
    assert sum(shifts) < MOST_SHIFT


def test_a_color_image_is_drawn_in_colors(open_model):
    watched = open_model("hues")
    page = watched.page
    expect(page.locator("#steps")).to_have_text("Test image 0 of hues, unchanged.")
    assert page.locator("#seen").evaluate("canvas => [canvas.width, canvas.height]") == [20, 20]
    for name, label in (("red", "red"), ("blue", "blue")):
        page.click("#clear")
        expect(page.locator("#summary")).to_contain_text("Nothing is drawn.")
        page.locator(f"#colors [aria-label={name}]").check()
        page.locator("#pen").fill("5")
        draw(page, [(0.5, 0.02), (0.5, 0.98)])
        expect(page.locator(".top1")).to_have_text(label)
    expect(page.locator("#summary")).to_contain_text("The model predicts blue (")
    expect(page.locator(".why")).to_contain_text("pixels would raise the logit of blue")
    watched.settle()
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.click("#request >> text=Copy link")
    drawing = page.evaluate("new URL(window.copied).searchParams.get('drawing')")
    copy = open_model("hues", f"&drawing={drawing}").page
    assert seen(copy) == seen(page)


def test_a_test_image_of_a_class_is_shown(open_model):
    page = open_model("hues").page
    tiles = page.locator("#samples .tile")
    expect(tiles).to_have_count(3)
    page.select_option("#samples-class", label="green")
    expect(tiles).to_have_count(2)
    tiles.first.click()
    expect(page.locator("#summary")).to_contain_text("The test image shows green.")
    page.wait_for_url("**sample=d-*")


def test_numbers_are_predicted_while_they_are_typed(open_model):
    page = open_model("heights").page
    height, width = page.get_by_label("height", exact=True), page.get_by_label("width", exact=True)
    expect(page.locator("#board")).to_be_hidden()
    expect(page.locator("h1")).to_have_text("Enter numbers")
    expect(page.locator("#number-0-range")).to_have_text("0 to 12")
    height.fill("11")
    expect(page.locator(".top1")).to_have_text("tall")
    height.fill("1")
    expect(page.locator(".top1")).to_have_text("short")
    expect(page.locator("#request")).to_contain_text('{"inputs": [[1, ')
    page.wait_for_url("**values=1%2C*")
    height.fill("1,5")
    expect(page.locator("#summary")).to_have_text("One number is missing.")
    expect(page.locator("#number-0-fault")).to_be_empty()  # people may be typing
    width.focus()
    expect(page.locator("#number-0-fault")).to_have_text("Enter a number, such as 1.5.")
    expect(height).to_have_attribute("aria-invalid", "true")
    height.fill("1.5")
    expect(page.locator("#number-0-fault")).to_be_empty()
    expect(page.locator(".why .pushes li").first).to_contain_text("height")


def test_a_test_sample_fills_the_fields(open_model):
    page = open_model("heights").page
    page.click("text=Fill in a test sample")
    expect(page.locator("#summary")).to_contain_text("The test sample is ")
    page.wait_for_url("**sample=d-*-0")
    first = page.get_by_label("height", exact=True).input_value()
    page.locator("#samples button").last.click()
    expect(page.locator("#summary")).to_contain_text("The test sample is tall.")
    assert page.get_by_label("height", exact=True).input_value() >= "10"
    copy = open_model("heights", "&values=11,3").page
    assert copy.get_by_label("height", exact=True).input_value() == "11"
    assert first != ""


def test_a_row_with_many_columns_is_pasted_or_read_from_a_file(open_model):
    page = open_model("wide").page
    area = page.get_by_label(f"{COLUMNS} numbers")
    area.fill(",".join(["11", *["1"] * (COLUMNS - 1)]))
    expect(page.locator(".top1")).to_have_text("high")
    area.fill("1,2")
    expect(page.locator("#summary")).to_have_text("There are 2 numbers: the model takes 50.")
    page.click("h1")
    expect(page.locator("#row-fault")).to_have_text("There are 2 numbers: the model takes 50.")
    header = ",".join(["label", *(f"column-{i}" for i in reversed(range(COLUMNS)))])
    text = f"{header}\nhigh,{','.join(['1'] * (COLUMNS - 1))},0\n"
    file = {"name": "row.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.set_input_files("#row-file", file)
    expect(page.locator(".top1")).to_have_text("low")
    expect(page.locator("#row-fault")).to_be_empty()
    page.set_input_files("#row-file", {**file, "buffer": b"not numbers"})
    expect(page.locator("#summary")).to_contain_text("This file cannot be read")


def test_of_many_classes_the_most_probable_come_first(open_model):
    page = open_model("many").page
    bars = page.locator(".answer .bars li")
    expect(bars).to_have_count(12)
    expect(bars.first).to_have_class("best")
    expect(page.locator("#inside-classes label")).to_have_count(12)
    page.locator(".answer").get_by_text(f"Show all {MANY} classes").click()
    expect(bars).to_have_count(MANY)
    page.get_by_text("Show the 12 most probable").click()
    expect(bars).to_have_count(12)


def test_models_side_by_side_take_the_same(open_model, uploads):
    _, models = uploads
    page = open_model("heights").page
    page.click("#add")
    offered = page.locator("#chooser-list button")
    expect(offered).to_have_count(1)  # the only other one with the same columns
    page.click(f"#chooser-list [value={models['many']}]")
    expect(page.locator(".answers > .answer")).to_have_count(2)
    page.click(".choose .model >> nth=0")
    page.click(f"#chooser-list [value={models['hues']}]")
    expect(page.locator(".answers > .answer")).to_have_count(1)
    expect(page.locator("#board")).to_be_visible()
    expect(page.locator("#steps")).to_have_text("Test image 0 of hues, unchanged.")
    draw(page, ONE)
    expect(page.locator("#summary")).to_contain_text("knows only blue, green and red.")


def hold_first(page, pattern):
    """Hold the next request with such an address; return a list that it will be added to."""
    held = []
    page.route(pattern, lambda route: route.continue_() if held else held.append(route))
    return held


def test_an_answer_of_the_model_before_is_not_shown(open_model, uploads):
    _, models = uploads
    page = open_model("heights").page
    expect(page.locator("#samples button")).not_to_have_count(0)
    answer, sample = hold_first(page, "**/predict?*"), hold_first(page, "**/test?*")
    page.get_by_label("height", exact=True).fill("11")
    wait_until(lambda: page.wait_for_timeout(20) or answer, what="the first model to be asked")
    page.click(".choose .model")
    page.click(f"#chooser-list [value={models['hues']}]")
    wait_until(lambda: page.wait_for_timeout(20) or sample, what="an image for the second model")
    answer[0].fulfill(response=answer[0].fetch())
    sample[0].continue_()
    expect(page.locator("#steps")).to_have_text("Test image 0 of hues, unchanged.")


def test_the_page_of_a_model_of_vectors_has_bars_and_no_maps(visit, uploads):
    stack, models = uploads
    page = visit(stack.url, f"/ui/models/{models['heights']}").page
    page.locator("#tiles").scroll_into_view_if_needed()
    expect(page.locator("#large .weightbars tr")).to_have_count(2)
    expect(page.locator("#layers tbody tr").nth(1)).to_contain_text("1. Dense, sigmoid")
    expect(page.locator("#maps-title")).to_be_hidden()
    expect(page.locator("nav a[href='#maps-title']")).to_be_hidden()
