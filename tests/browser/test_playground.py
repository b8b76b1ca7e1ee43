"""The playground: train live, look at any moment, draw points, and compare with boxes."""

import base64
import re

import numpy as np
import pytest
import requests
from playwright.sync_api import expect
from safetensors.numpy import load

from tests.browser.browser import Watched
from tests.frames import frames_of

SMALL = "/ui/playground?data=moons&hidden=4-3&epochs=10"
SUCCEEDED = re.compile("succeeded|guessing")


@pytest.fixture
def open_page(visit, stack):
    """Open a page of the shared installation, which needs no models."""
    return lambda path, **options: visit(stack.url, path, **options).page


def train(page):
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#step-link a")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_enabled()


def job_of(page):
    return page.locator("#job a").first.get_attribute("href").rpartition("/")[2]


def activations(layers, point):
    """Compute the activations of all layers by the formulas, with softmax in the last."""
    values = [np.array(point)]
    for number, (weight, bias) in enumerate(layers, 1):
        z = weight @ values[-1] + bias
        if number == len(layers):
            values.append(np.exp(z) / np.exp(z).sum())
        else:
            values.append(np.tanh(z))
    return values


@pytest.fixture(scope="module")
def trained(browser, stack):
    """Train in the page; return the address that shows the training, and its job."""
    watched = Watched(browser, stack.url)
    page = watched.open(SMALL)
    train(page)
    job = stack.job(job_of(page))
    expect(page).to_have_url(re.compile(f"job={job['id']}"))
    address = page.url.removeprefix(stack.url)
    assert watched.faults == []
    watched.close()
    return address, job


def test_a_training_in_the_page_is_an_ordinary_job(stack, trained):
    _, job = trained
    assert job["status"] == "succeeded"
    assert job["recipe"]["name"] == "playground"
    assert (job["recipe"]["hidden_sizes"], job["recipe"]["epochs"]) == ([4, 3], 10)
    assert requests.get(f"{stack.url}/models/{job['model']}", timeout=10).status_code == 200
    assert frames_of(stack, job["id"])[-1]["step"] == 10 * 200 // 5


def test_its_address_shows_it_again(open_page, stack, trained):
    address, job = trained
    page = open_page(address)
    last = frames_of(stack, job["id"])[-1]
    scores = page.locator("#scores")
    expect(scores).to_contain_text("400 of 400")
    expect(scores).to_contain_text(f"{100 * last['test_accuracy']:.1f}")
    link = page.locator("#step-link a")
    expect(link).to_have_attribute("href", f"/ui/models/{job['model']}/steps?step=400")


def test_any_moment_can_be_shown(open_page, stack, trained):
    address, job = trained
    page = open_page(address)
    steps = [frame["step"] for frame in frames_of(stack, job["id"])]
    expect(page.locator("#scores")).to_contain_text("400 of 400")
    page.get_by_role("button", name="Start over").click()
    expect(page.locator("#scores")).to_contain_text("0 of 400")
    for step in steps[1:3]:
        page.get_by_role("button", name="Next frame").click()
        expect(page.locator("#scores")).to_contain_text(f"{step} of 400")
    slider = page.get_by_role("slider", name="Moment of the training")
    slider.focus()
    slider.press("ArrowRight")
    expect(page.locator("#scores")).to_contain_text(f"{steps[3]} of 400")
    expect(slider).to_have_attribute("aria-valuetext", f"step {steps[3]}")
    marker, box = page.locator("#curve .now").bounding_box(), slider.bounding_box()
    share = int(slider.input_value()) / int(slider.get_attribute("max"))
    assert abs(box["x"] + 8 + share * (box["width"] - 16) - marker["x"]) < 1.5
    expect(page).to_have_url(re.compile("frame=3"))
    page.reload()
    expect(page.locator("#scores")).to_contain_text(f"{steps[3]} of 400")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#scores")).to_contain_text("400 of 400")


def test_maps_and_probabilities_are_those_of_the_model(open_page, stack, trained):
    address, job = trained
    answer = requests.get(f"{stack.url}/models/{job['model']}/weights", timeout=10)
    arrays = load(answer.content)
    layers = [(arrays[f"{n}.weight"], arrays[f"{n}.bias"]) for n in range(3)]
    parameters = np.concatenate([array.ravel() for pair in layers for array in pair])
    last = frames_of(stack, job["id"])[-1]["parameters"]
    np.testing.assert_array_equal(
        np.frombuffer(base64.b64decode(last), "<f4"), parameters.astype("<f4")
    )

    page = open_page(address)
    expect(page.locator("#scores")).to_contain_text("400 of 400")
    plane = page.locator("#plane")
    rng = np.random.default_rng(0)
    plane.focus()
    words = page.locator("#network-caption")
    for _ in range(6):
        before = words.text_content()
        page.keyboard.press(str(rng.choice(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"])))
        expect(words).to_contain_text("At (")
        expect(words).not_to_have_text(before)
        caption = words.inner_text().replace("\u2212", "-")
        x, y = map(float, re.search(r"At \((\S+), (\S+)\)", caption).groups())
        shown = [float(share) for share in re.findall(r"(\d+\.\d)\s%", caption)]
        # The page writes the place with two digits.
        near = [
            activations(layers, (x + dx, y + dy))[-1]
            for dx in (-0.005, 0.005)
            for dy in (-0.005, 0.005)
        ]
        assert (np.min(near, axis=0) - 6e-4 <= np.array(shown) / 100).all()
        assert (np.array(shown) / 100 <= np.max(near, axis=0) + 6e-4).all()
    page.keyboard.press("Escape")

    side, reach = 32, 1.15
    for column, row in ((1, 2), (2, 0)):
        pixels = page.locator(f"[data-column='{column}'][data-row='{row}'] canvas").evaluate(
            "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 32, 32).data]"
        )
        pixels = np.array(pixels).reshape(side, side, 4).astype(int)
        for i, j in rng.integers(0, side, (40, 2)):
            point = reach * (2 * (j + 0.75) / side - 1), reach * (1 - 2 * (i + 0.75) / side)
            value = activations(layers, point)[column][row]
            red, _, blue, _ = pixels[i, j]
            if abs(value) > 0.2:
                assert (blue > red) == (value > 0), (column, row, point, value)


def test_a_neuron_shows_its_sum(open_page, trained):
    address, _ = trained
    page = open_page(address)
    expect(page.locator("#scores")).to_contain_text("400 of 400")
    neuron = page.get_by_role("button", name="Layer 1, neuron 2")
    page.get_by_role("button", name="Input x").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(neuron).to_be_focused()
    page.keyboard.press("Enter")
    expect(neuron).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#network-caption math")).to_contain_text("tanh")
    expect(page.locator("#network-caption")).to_contain_text("dashed line is where the sum is 0")
    expect(page.locator("#network-caption")).to_contain_text("standardized inputs")
    expect(page.locator(".zero-line")).to_have_count(1)
    expect(page).to_have_url(re.compile("neuron=1-2"))
    page.keyboard.press("Enter")
    expect(page.locator("#network-caption")).to_contain_text("Each square is a neuron")


def test_own_points_by_click_and_by_keyboard(open_page, stack):
    page = open_page("/ui/playground?epochs=2")
    page.get_by_role("button", name="Your own").click()
    train_button = page.get_by_role("button", name="Train", exact=True)
    expect(train_button).to_be_disabled()
    plane = page.locator("#plane")
    plane.click(position={"x": 100, "y": 100})
    plane.click(position={"x": 120, "y": 120})
    expect(page.locator("#plane .point")).to_have_count(2)
    page.get_by_role("radio", name="orange squares").check()
    plane.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#missing")).to_contain_text("only test points")
    place = plane.bounding_box()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#missing")).to_be_empty()
    assert plane.bounding_box() == place
    expect(page.locator("#plane .point")).to_have_count(4)
    expect(page.locator("#plane .point.test")).to_have_count(1)
    page.get_by_label("Hidden layers").fill("3")
    train(page)
    job = stack.job(job_of(page))
    dataset = f"{stack.url}/datasets/{job['recipe']['dataset']}"
    assert requests.get(dataset, timeout=10).json()["train"]["per_class"] == [2, 1]
    expect(page).to_have_url(re.compile("points=.*job="))
    page.reload()
    expect(page.locator("#step-link a")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#plane .point")).to_have_count(3)
    expect(page.locator("#step-link a")).to_have_count(0)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#plane .point")).to_have_count(0)


def test_settings_have_limits_and_depend_on_each_other(open_page):
    page = open_page("/ui/playground")
    hidden = page.get_by_label("Hidden layers")
    hidden.fill("8, 17")
    hidden.press("Tab")
    expect(page.get_by_text("Enter up to 4 layers of 1 to 16 neurons")).to_be_visible()
    expect(hidden).to_have_attribute("aria-invalid", "true")
    hidden.fill("5")
    hidden.press("Tab")
    expect(page.locator(".neuron")).to_have_count(2 + 5 + 3)
    page.get_by_label("as published").check()
    expect(page.get_by_label("Batch size")).to_have_value("1")
    expect(page.get_by_label("Batch size")).to_be_disabled()
    expect(page.locator("#request code")).to_contain_text('"gradient": "published"')
    expect(page).to_have_url(re.compile("hidden=5&.*gradient=published"))


def test_a_function_is_a_boundary_and_a_sum_of_boxes(visit, stack):
    watched = visit(stack.url, "/ui/playground?data=function&hidden=6&epochs=4")
    page = watched.page
    expect(page.locator("#boxes-words")).to_contain_text("12 boxes, 13 step neurons")
    expect(page.locator("#plane .graph")).to_have_count(1)
    page.get_by_role("slider", name="Boxes").fill("30")
    expect(page.locator("#boxes-words")).to_contain_text("30 boxes")
    train(page)
    expect(page.locator("#trained-boundary-caption")).to_contain_text("with 6 hidden neurons")
    expect(page.locator("#trained-boundary-caption")).to_contain_text("% of the square")
    field = page.get_by_label("Function of x")
    field.fill("x +")
    field.press("Tab")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#function-fault")).to_have_text(re.compile(r"^The function .*\.$"))
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    expect(page.locator("#request")).to_be_hidden()
    expect(page.locator("#boxes-words")).to_contain_text("still show sin(3*x)/2")
    field.fill("5")
    field.press("Tab")
    expect(page.locator("#function-fault")).to_contain_text("on one side of the function")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_a_training_can_be_cancelled(open_page, stack):
    page = open_page("/ui/playground?hidden=16-16-16-16&epochs=1000&batch_size=1")

    def add_samples(route):  # so that the training does not end before it is cancelled
        body = route.request.post_data_json
        body["dataset"]["samples"] = 10_000
        route.continue_(post_data=body)

    page.route("**/train", add_samples)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#plane .ring").first).to_be_attached()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#job")).to_contain_text("cancelled")
    assert stack.job(job_of(page))["status"] == "cancelled"
    expect(page.get_by_role("button", name="Train again")).to_be_enabled()


def test_a_job_that_waits_says_why(own_stack, visit):
    own_stack.start_redis()
    own_stack.start_service()
    page = visit(own_stack.url, SMALL).page
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#job")).to_contain_text("No worker is running")
    page.get_by_role("button", name="XOR").click()
    expect(page.locator("#job")).to_contain_text("This change has cancelled the training")


def test_a_training_that_is_not_of_the_address_is_not_shown(open_page, trained):
    address, _ = trained
    page = open_page(address.replace("epochs=10", "epochs=11"))
    expect(page.get_by_text("This training is not shown")).to_be_visible()
    expect(page.locator("#step-link a")).to_have_count(0)


def test_an_unknown_job_is_named_as_such(visit, stack):
    watched = visit(stack.url, f"{SMALL}&job=nothing")
    expect(watched.page.get_by_text("does not exist. It may have been deleted")).to_be_visible()
    expect(watched.page.locator("#job")).to_contain_text("Train to see what each neuron answers")
    assert all("404" in fault for fault in watched.faults)
    watched.faults.clear()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_training_is_accessible_on_a_phone_with_less_motion(visit, stack, trained, mode):
    address, _ = trained
    watched = visit(
        stack.url,
        f"{address}&neuron=1-1",
        color_scheme=mode,
        reduced_motion="reduce",
        viewport={"width": 375, "height": 800},
    )
    page = watched.page
    expect(page.locator("#network-caption math")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert watched.axe() == []
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#scores")).to_contain_text("400 of 400")


def test_figures_can_be_saved(open_page, stack, trained):
    address, job = trained
    page = open_page(address)
    expect(page.locator("#scores")).to_contain_text("400 of 400")
    page.locator("#course summary").click()
    with page.expect_download() as download:
        page.locator("#course").get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "step,train_loss,train_accuracy,test_loss,test_accuracy"
    assert len(lines) == 1 + len(frames_of(stack, job["id"]))
    page.locator("#network summary").click()
    with page.expect_download() as download:
        page.locator("#network").get_by_role("button", name="SVG").click()
    assert download.value.path().read_text().count("<image") == 2 + 4 + 3 + 2 + 1
