"""Look into a model: its mistakes, and the test images as its layers represent them."""

import csv
import re

import pytest
import requests
from playwright.sync_api import expect

from tests.processes import wait_until

PHONE = {"viewport": {"width": 320, "height": 600}, "is_mobile": True, "has_touch": True}


def chosen_cell(page):
    """Return the true and the predicted class of the chosen cell, as its label names them."""
    label = page.locator("#confusion [aria-pressed=true]").get_attribute("aria-label")
    return re.search(r"of an? (\d), read as (\d)", label).groups()


def test_mistakes_are_filtered_and_open_in_predict(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    page.locator("#mistakes-title").scroll_into_view_if_needed()
    tiles = page.locator("#mistakes li")
    expect(tiles).to_have_count(24)
    page.select_option("#mistakes-true", label="4")
    expect(tiles.first).to_contain_text("4 read as")
    page.locator("#mistakes-more").click()
    expect(tiles.nth(24)).to_contain_text("4 read as")
    expect(tiles.nth(24).locator("a")).to_be_focused()
    link = tiles.first.locator("a").get_attribute("href")
    assert link.startswith("/ui/predict?sample=mnist-")
    assert link.endswith(f"&models={models['mnist']}")


def test_more_mistakes_are_shown_only_once_the_chosen_ones_are_here(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    page.locator("#mistakes-title").scroll_into_view_if_needed()
    more = page.locator("#mistakes-more")
    expect(more).to_be_enabled()
    held = []
    page.route("**/mistakes?true=4*", lambda route: held.append(route))
    page.select_option("#mistakes-true", label="4")
    expect(more).to_be_disabled()
    wait_until(lambda: page.evaluate("true") and held, what="the request for the chosen ones")
    held[0].continue_()
    expect(more).to_be_enabled()
    expect(page.locator("#mistakes li").last).to_contain_text("4 read as")


def test_test_images_are_projected_by_each_layer(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    page.locator("#projection-title").scroll_into_view_if_needed()
    figure = page.locator("#projection")
    expect(figure.get_by_role("radio")).to_have_count(4)
    expect(figure).to_contain_text("of the variance")
    before = figure.locator(".scatter p").nth(1).inner_text()
    figure.get_by_role("radio", name="hidden layer 1").check()
    expect(figure.locator(".scatter p").nth(1)).not_to_have_text(before)
    figure.get_by_role("slider").press("ArrowRight")
    expect(figure).to_contain_text("Test image 1, 2.")


def test_all_mistakes_are_saved_as_csv(open_page, stack, models):
    model = models["mnist"]
    page = open_page(f"/ui/models/{model}")
    page.locator("#mistakes-title").scroll_into_view_if_needed()
    expect(page.locator("#mistakes li")).to_have_count(24)
    page.select_option("#mistakes-predicted", label="9")
    menu = page.locator("figure:has(#mistakes) .save")
    menu.locator("summary").click()
    with page.expect_download() as saved:
        menu.get_by_text("CSV").click()
    assert saved.value.suggested_filename == f"stepbox-mistakes-{model}.csv"
    with saved.value.path().open(newline="") as file:
        rows = list(csv.DictReader(file))
    address = f"{stack.url}/models/{model}/mistakes?predicted=9&limit=1000"
    answer = requests.get(address, timeout=10).json()
    assert len(rows) == answer["count"] > 24  # also those that are not shown yet
    for row, image in zip(rows, answer["images"], strict=True):
        assert row == {
            "test image": str(image["index"]),
            "true class": str(image["label"]),
            "predicted class": "9",
            "probability": row["probability"],
        }
        assert float(row["probability"]) == pytest.approx(image["probability"])


def test_the_chosen_cell_leads_to_predict_and_to_all_its_mistakes(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    true, predicted = chosen_cell(page)  # the most frequent mistake
    link = page.locator("#cell .cellpictures a").first.get_attribute("href")
    assert re.fullmatch(rf"/ui/predict\?sample=mnist-\d+&models={models['mnist']}", link)
    page.locator("#cell a", has_text="See all").click()
    expect(page.locator("#mistakes-title")).to_be_in_viewport()
    expect(page.locator("#mistakes-true")).to_have_value(true)
    expect(page.locator("#mistakes-predicted")).to_have_value(predicted)
    expect(page.locator("#mistakes li").last).to_contain_text(f"{true} read as {predicted}")


def test_a_finger_chooses_a_cell_of_the_confusion_matrix(visit, stack, models):
    page = visit(stack.url, f"/ui/models/{models['mnist']}", **PHONE).page
    sizes = page.locator("#confusion button").evaluate_all(
        "(all) => all.map((one) => [one.offsetWidth, one.offsetHeight])"
    )
    assert len(sizes) == 100
    assert min(width for width, _ in sizes) >= 28
    assert min(height for _, height in sizes) >= 40
    page.select_option("#cell-true", label="3")
    page.select_option("#cell-predicted", label="5")
    expect(page.locator("#cell p").first).to_contain_text("of a 3, read as 5")
    assert chosen_cell(page) == ("3", "5")
    page.locator("#confusion button").nth(48).tap()
    expect(page.locator("#cell-true")).to_have_value("4")
    expect(page.locator("#cell-predicted")).to_have_value("8")


def test_a_tap_chooses_an_image_of_the_projection(visit, stack, models):
    page = visit(stack.url, f"/ui/models/{models['mnist']}", **PHONE).page
    page.locator("#projection-title").scroll_into_view_if_needed()
    figure = page.locator("#projection")
    status = figure.get_by_role("status")
    expect(status).to_contain_text("Test image 0, 7.")
    canvas = figure.locator(".scatter canvas").nth(1)
    box = canvas.bounding_box()
    canvas.tap(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(status).not_to_contain_text("Test image 0,")
    sharpness = canvas.evaluate("(one) => one.width / (one.clientWidth * devicePixelRatio)")
    assert sharpness == pytest.approx(1, abs=0.01)


def test_a_model_that_diverged_is_described_as_it_is(visit, stack):
    job = stack.train(recipe="mnist-numpy", learning_rate=10, epochs=1)
    page = visit(stack.url, f"/ui/models/{stack.wait_for(job['id'])['model']}").page
    sentence = page.locator("#sentence")
    expect(sentence).to_have_text(re.compile(r"It predicts \d for every image\.$"))
    expect(page.locator("#ece")).to_contain_text("The model is very overconfident.")
    never = page.locator("#classes text", has_text="never predicted")
    expect(never).to_have_count(9)  # these classes have no precision
    page.click("summary:has-text('Name, notes and tags')")
    page.fill("#notes-text", "too fast")
    page.click("#labels >> text=Save")
    expect(page.locator("#notes")).to_have_text("too fast")
    expect(page.locator(".remark")).to_have_count(1)


def test_a_late_answer_does_not_replace_the_images_of_a_newer_cell(visit, stack, models):
    page = visit(stack.url, f"/ui/models/{models['mnist']}").page
    held = []
    page.route(re.compile("confusion/3/9"), lambda route: held.append(route))
    cells = page.locator("#confusion button")
    cells.nth(39).click()
    wait_until(lambda: page.wait_for_timeout(20) or held, what="the first request")
    cells.nth(35).click()
    expect(page.locator("#cell p").first).to_contain_text("of a 3, read as 5")
    with page.expect_response(re.compile("confusion/3/9")) as late:
        held[0].continue_()
    late.value.finished()
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(page.locator("#cell p").first).to_contain_text("of a 3, read as 5")
