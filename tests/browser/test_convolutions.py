"""Convolutional models on the pages Model and Predict: filters, feature maps, maxima, occlusion."""

import io
import re
import zipfile

import pytest
import requests
from PIL import Image
from playwright.sync_api import expect

from stepbox.data.builtin import load_dataset

PHONE = {"viewport": {"width": 375, "height": 800}, "is_mobile": True, "has_touch": True}
LAYERS = [
    {"type": "convolution", "channels": 6, "kernel": 5},
    {"type": "max-pool", "size": 2},
    {"type": "convolution", "channels": 8, "kernel": 3, "stride": 2, "padding": 1},
    {"type": "max-pool", "size": 2},
    {"type": "dense", "neurons": 12},
]
SAMPLES = 1200


@pytest.fixture(scope="module")
def digits(stack):
    """Upload some digits, so that a training takes seconds; return the id of the data set."""
    mnist = load_dataset("mnist", "train", stack.environment["STEPBOX_DATA_DIR"])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for index in range(SAMPLES):
            image = io.BytesIO()
            Image.fromarray(mnist.samples[index]).save(image, "png")
            archive.writestr(f"{mnist.labels[index]}/{index}.png", image.getvalue())
    address = f"{stack.url}/datasets?name=some-digits"
    job = requests.post(address, data=file.getvalue(), timeout=10).json()
    return stack.wait_for(job["id"])["dataset"]


@pytest.fixture(scope="module")
def convolutions(stack, digits):
    """Train a small convolutional network; return its id."""
    job = stack.train(
        recipe="mnist-numpy",
        dataset=digits,
        layers=LAYERS,
        activation="relu",
        initialization="he",
        standardize=True,
        learning_rate=0.02,
        epochs=2,
    )
    return stack.wait_for(job["id"])["model"]


@pytest.fixture
def ask(stack, convolutions):
    """Return a function that gets a part of the model over REST."""

    def get(path):
        response = requests.get(f"{stack.url}/models/{convolutions}{path}", timeout=10)
        response.raise_for_status()
        return response.json()

    return get


def near(page, selector):
    """Scroll to an element, so that its section loads."""
    page.locator(selector).scroll_into_view_if_needed()


def choose_map(page, host, layer, index=0):
    """Choose a feature map of a hidden layer, counted from 1, with the keyboard."""
    page.locator(f"{host} .neurons").nth(layer - 1).focus()
    for _ in range(index):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")


def test_the_layers_are_listed_with_shapes_and_parameters(visit, stack, convolutions, ask):
    page = visit(stack.url, f"/ui/models/{convolutions}").page
    near(page, "#layers")
    rows = page.locator("#layers tbody tr")
    expect(rows.first).to_have_text(re.compile("^Input28 × 28$"))
    expect(rows.nth(1)).to_have_text("1. Convolution 5 × 5, ReLU24 × 24 × 6156")
    expect(rows.nth(2)).to_have_text("2. Max-pool 2 × 212 × 12 × 60")
    expect(rows.nth(3)).to_contain_text("3. Convolution 3 × 3, stride 2, padding 1, ReLU6 × 6 × 8")
    counts = [f"{layer['parameters']:,}" for layer in ask("/layers")["layers"]]
    assert rows.locator("td.n").all_inner_texts() == ["", *counts]
    expect(page.locator("#layers tfoot")).to_contain_text(f"{ask('')['parameters']:,}")


def test_the_filters_of_each_convolution_are_images(visit, stack, convolutions):
    page = visit(stack.url, f"/ui/models/{convolutions}").page
    near(page, "#tiles")
    expect(page.locator("#tiles-title")).to_have_text("Filters")
    tiles = page.locator("#tiles button")
    expect(tiles).to_have_count(6)
    expect(page.locator("#tiles-note")).to_contain_text("All 6 filters")
    size = "(one) => [one.width, one.height]"
    assert tiles.first.locator("canvas").evaluate(size) == [5, 5]
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles.nth(1)).to_have_attribute("aria-pressed", "true")
    drawn = "(one) => one.toDataURL()"
    after = page.locator("#large canvas").evaluate(drawn)
    page.locator("#which label", has_text="before").click()
    assert page.locator("#large canvas").evaluate(drawn) != after
    page.select_option(
        "#tiles-layer", label="Hidden layer 3: convolution 3 × 3, stride 2, padding 1"
    )
    expect(tiles).to_have_count(8)
    expect(page.locator("#large")).to_contain_text(
        "A square for each of the 6 maps of hidden layer 2"
    )
    # Six squares of 3 × 3 in two rows, with gaps of one cell
    assert tiles.first.locator("canvas").evaluate(size) == [11, 7]


def test_a_link_keeps_the_test_image(visit, stack, convolutions, digits, ask):
    watched = visit(stack.url, f"/ui/models/{convolutions}")
    page = watched.page
    near(page, "#maps-title")
    words = page.locator("#maps-words")
    expect(words).to_contain_text("Test image 0: ")
    page.select_option("#samples-class", label="3")
    label = page.locator("#samples button")
    expect(label.first).to_have_attribute("title", "3")
    label.nth(1).click()
    expect(words).to_contain_text(": 3. The model predicts ")
    index = int(re.search(r"Test image (\d+)", words.inner_text())[1])
    assert ask(f"/feature-maps?index={index}")["label"] == 3
    expect(page.locator("#maps-request")).to_contain_text(f"feature-maps?index={index}")
    link = words.locator("a").get_attribute("href")
    assert link == f"/ui/predict?sample={digits}-{index}&models={convolutions}"
    watched.settle()
    page.wait_for_url(f"**/ui/models/{convolutions}?image={index}")
    page.reload()
    near(page, "#maps-title")
    expect(words).to_contain_text(f"Test image {index}: 3.")


def test_the_maximum_of_a_cell_is_where_the_api_says(visit, stack, convolutions, ask):
    page = visit(stack.url, f"/ui/models/{convolutions}?image=5").page
    near(page, "#maps")
    status = page.locator("#maps .cells [role=status]")
    expect(status).to_contain_text("of the image.")  # the first map of the first convolution
    choose_map(page, "#maps", 2, index=3)
    expect(page.locator("#maps .cells")).to_contain_text("Map 3 of hidden layer 1")
    pool = ask("/feature-maps?index=5")["layers"][1]
    cells = page.locator("#maps .picker")
    for key in ["ArrowLeft"] * 12 + ["ArrowUp"] * 12 + ["ArrowRight"] * 4 + ["ArrowDown"] * 6:
        cells.press(key)
    row, column = pool["winners"][6][4][3]
    value = pool["maps"][6][4][3]
    expect(status).to_have_text(
        f"Row 6, column 4: {value:.3f}, the maximum of rows 12 to 13, columns 8 to 9 of the map "
        f"before. It came from row {row}, column {column}."
    )
    choose_map(page, "#maps", 3, index=1)
    expect(status).to_contain_text("of all 6 maps before")
    choose_map(page, "#maps", 5, index=2)  # a neuron is only described
    activation = ask("/feature-maps?index=5")["layers"][4]["maps"][2]
    expect(page.locator("#maps-value")).to_have_text(
        f"Hidden layer 5, neuron 2: activation {activation:.3f}."
    )


def test_a_finger_picks_a_cell_and_nothing_is_wider_than_a_phone(visit, stack, convolutions):
    page = visit(stack.url, f"/ui/models/{convolutions}?image=5", **PHONE).page
    near(page, "#maps")
    expect(page.locator("#maps .cells [role=status]")).to_contain_text("of the image.")
    page.locator("#maps .neurons canvas").nth(1).tap(position={"x": 20, "y": 20})
    expect(page.locator("#maps .cells")).to_contain_text("Map 0 of hidden layer 2")
    canvas = page.locator("#maps .picker canvas")
    box = canvas.bounding_box()
    assert box["width"] > 140
    canvas.tap(position={"x": box["width"] - 3, "y": 3})
    expect(page.locator("#maps .cells [role=status]")).to_contain_text("Row 0, column 11: ")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_gradient_and_occlusion_have_values_for_each_pixel(visit, stack, convolutions, ask):
    page = visit(stack.url, f"/ui/models/{convolutions}?image=5").page
    near(page, "#attribution")
    figure = page.locator("#attribution")
    found = ask("/attribution?index=5")
    expect(figure).to_contain_text(f"the logit of {found['class']}.")
    figure.locator(".picker").nth(1).press("ArrowUp")  # from the middle
    drop = found["occlusion"]["drops"][13 // found["occlusion"]["stride"]][
        14 // found["occlusion"]["stride"]
    ]
    gradient = f"{found['gradient'][13][14]:.4f}".replace("-", "−")
    status = figure.get_by_role("status")
    expect(status).to_contain_text(f"Pixel at row 13, column 14: gradient {gradient}; covering it")
    change = re.search(r"by ([+−]?[\d.]+) percentage", status.inner_text())[1]
    assert float(change.replace("−", "-")) == pytest.approx(-100 * drop, abs=0.06)


@pytest.mark.parametrize(("mode", "width"), [("light", 1280), ("dark", 375)])
@pytest.mark.parametrize("path", ["/ui/models/{id}?image=1", "/ui/predict?models={id}"])
def test_both_pages_are_accessible(visit, stack, convolutions, path, mode, width):
    options = PHONE if width < 500 else {}
    watched = visit(stack.url, path.format(id=convolutions), color_scheme=mode, **options)
    page = watched.page
    for section in ("#layers", "#tiles", "#maps", "#inside"):
        if page.locator(section).count():
            near(page, section)
            watched.settle()
    if page.locator("#answers").count():
        page.get_by_text("Cover parts").click()
        expect(page.locator(".reasons")).to_contain_text("What it relies on")
    expect(page.locator(".cells [role=status]")).to_contain_text("of the image.")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.axe() == []


def test_a_feature_map_is_switched_off_and_on(visit, stack, convolutions, digits):
    page = visit(stack.url, f"/ui/predict?models={convolutions}&sample={digits}-3").page
    near(page, "#inside")
    words = page.locator("#inside-words")
    expect(words).to_contain_text("All maps and neurons are on.")
    choose_map(page, "#inside", 3, index=5)
    expect(page.locator("#inside-neuron")).to_contain_text(
        "Hidden layer 3, map 5: its largest value is "
    )
    with page.expect_request(re.compile(r"&off=3\.5(&|$)")):
        page.get_by_text("Switch map 5 off").click()
    expect(words).to_contain_text("With 1 feature map off: ")
    expect(page.locator("#inside-neuron")).to_have_text("Hidden layer 3, map 5: switched off.")
    expect(page.locator("#inside .cells")).to_contain_text("0.000, because the map is switched off")
    page.locator("#inside .neurons").nth(4).press("Enter")  # a neuron is switched at once
    expect(words).to_contain_text("With 1 feature map and 1 neuron off: ")
    page.get_by_text("Switch map 5 on again").click()
    expect(words).to_contain_text("With 1 neuron off: ")
    choose_map(page, "#inside", 2)
    expect(page.locator("#inside .cells [role=status]")).to_contain_text("It came from row ")


def test_maps_push_the_logits_as_the_sum_of_their_cells(visit, stack, digits):
    layers = [{"type": "convolution", "channels": 4, "kernel": 5, "stride": 4}]
    job = stack.train(recipe="mnist-numpy", dataset=digits, layers=layers, epochs=1)
    model = stack.wait_for(job["id"])["model"]
    page = visit(stack.url, f"/ui/predict?models={model}&sample={digits}-3").page
    near(page, "#inside-up")
    expect(page.locator("#inside-sum")).to_contain_text("is the sum of all 4 pushes and the bias")
    logit, bias = (
        float(text.replace("−", "-"))
        for text in re.search(
            r", (\S+), is the sum .* bias, (\S+)\.$", page.locator("#inside-sum").inner_text()
        ).groups()
    )
    values = page.locator(".pushes .value").all_inner_texts()
    assert sum(float(text.replace("−", "-")) for text in values if text) == pytest.approx(
        logit - bias, abs=0.05
    )
    expect(page.locator("#inside-push")).to_contain_text("for each feature map")


def test_occlusion_is_computed_on_request_for_what_is_shown(visit, stack, convolutions, digits):
    page = visit(stack.url, f"/ui/predict?models={convolutions}&sample={digits}-3").page
    button = page.get_by_text("Cover parts to see")
    with page.expect_request(re.compile("occlusion=true")):
        button.click()
    covered = page.locator(".reasons .why").nth(1)
    expect(covered).to_contain_text("What it relies on: blue parts speak for")
    expect(button).to_be_hidden()
    page.locator("#samples button").first.click()
    expect(button).to_be_visible()
    expect(covered).to_be_hidden()


def test_dense_models_keep_their_page(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    near(page, "#tiles")
    expect(page.locator("#tiles-title")).to_have_text("Weights of the first layer")
    expect(page.locator("#tiles button")).to_have_count(32)
    expect(page.locator("#tiles-layer")).to_be_hidden()
    near(page, "#maps-title")
    expect(page.locator("#maps")).to_contain_text("Each small cell is a neuron.")
    expect(page.locator("#maps .cells")).to_have_count(0)
    expect(page.locator("#attribution")).to_contain_text("Occlusion map")


def test_the_list_of_models_shows_filters(visit, stack, convolutions):
    page = visit(stack.url, "/ui/models").page
    row = page.locator("#models tbody tr", has=page.locator(f"a[href*='{convolutions}']"))
    strip = row.locator(".strip canvas")
    # Room for eight filters of 5 × 5, with gaps of one pixel
    expect(strip).to_have_js_property("width", 8 * 6 - 1)
    expect(strip).to_have_js_property("height", 5)
    colors = strip.evaluate(
        """(one) => new Set(one.getContext("2d").getImageData(0, 0, 5, 5).data).size"""
    )
    assert colors > 20
