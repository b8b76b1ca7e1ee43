"""Predict: the steps of the training that changed the loss of an image most."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from service.backend import Backend
from service.settings import ServiceSettings
from tests.service.conftest import publish


@pytest.fixture
def without_steps(stack):
    """Publish a model whose steps were not kept; delete it at the end."""
    backend = Backend(ServiceSettings(**stack.settings().model_dump()))
    id, _ = publish(backend)
    yield id
    backend.models.delete(id)


def items(page, direction):
    return page.locator(f"#taught-{direction} li")


def test_the_steps_that_taught_a_digit_are_listed_with_their_images(visit, stack, models):
    watched = visit(stack.url, f"/ui/predict?models={models['mnist']}&sample=mnist-8")
    page = watched.page
    found = page.locator("#taught-found")
    expect(page.locator(".top1")).not_to_be_empty()
    expect(found).to_be_hidden()  # the steps are looked for on request
    page.click("#taught-look")
    words = page.locator("#taught-words[role=status]")
    expect(words).to_contain_text("Looked at 960 of 60,000 steps: those next to 60 stored")
    expect(words).to_contain_text("This is a sample: other steps may have changed the loss more.")
    for direction, sign in (("lowered", "−"), ("raised", "+")):
        expect(items(page, direction)).to_have_count(5)
        expect(items(page, direction).first.locator("b")).to_contain_text(sign)
        expect(page.locator(f"#taught-{direction} canvas")).to_have_count(5)
    expect(page.locator("#taught-request")).to_contain_text("POST /predict/taught?model=")
    page.wait_for_url("**taught=predicted*")
    link = items(page, "lowered").first.locator("a")
    step = link.text_content().removeprefix("Step ").replace(",", "")
    assert link.get_attribute("href") == f"/ui/models/{models['mnist']}/steps?step={step}"
    assert watched.axe() == []


def test_another_class_can_be_chosen_and_the_address_restores_the_choice(open_page, models):
    page = open_page(f"/ui/predict?models={models['mnist']}&sample=mnist-8")
    page.select_option("#taught-class", label="6")
    expect(page.locator("#taught-found")).to_be_hidden()
    page.locator("#taught-look").press("Enter")
    expect(page.locator("#taught-words")).to_contain_text("the loss of 6 is")
    page.select_option("#taught-class", label="5")
    expect(page.locator("#taught-words")).to_contain_text("the loss of 5 is")
    expect(page.locator("#taught-request")).to_contain_text("&label=5")
    page.wait_for_url("**taught=5*")
    texts = items(page, "lowered").all_text_contents()
    copy = open_page(page.url.removeprefix(page.url.split("/ui/")[0]))
    expect(copy.locator("#taught-words")).to_contain_text("the loss of 5 is")
    expect(copy.locator("#taught-class")).to_have_value("5")
    assert items(copy, "lowered").all_text_contents() == texts


def test_a_class_chosen_during_a_search_replaces_it(open_page, models):
    page = open_page(f"/ui/predict?models={models['mnist']}&sample=mnist-8")
    held = []
    page.route(re.compile("/predict/taught"), lambda route: held.append(route))
    with page.expect_request("**/predict/taught*"):
        page.click("#taught-look")
    page.select_option("#taught-class", label="3")
    with page.expect_request("**/predict/taught*label=3*"):
        held[0].continue_()
    expect(page.locator("#taught-words")).to_have_text("Looking among the training steps…")
    expect(page.locator("#taught-found")).to_be_hidden()
    held[1].continue_()
    expect(page.locator("#taught-words")).to_contain_text("the loss of 3 is")
    expect(page.locator("#taught-request")).to_contain_text("&label=3")
    page.wait_for_url("**taught=3*")


def test_another_image_forgets_the_steps(open_page, models):
    page = open_page(f"/ui/predict?models={models['mnist']}&sample=mnist-8&taught=predicted")
    expect(items(page, "lowered")).to_have_count(5)
    page.click("#samples button >> nth=3")
    expect(page.locator("#taught-found")).to_be_hidden()
    expect(page.locator("#taught-words")).to_be_empty()
    page.wait_for_url(lambda url: "taught" not in url)
    page.click("#clear")
    expect(page.locator("#taught-look")).to_be_disabled()


def test_of_several_models_one_is_chosen(open_page, models):
    both = f"{models['mnist']},{models['fashion-mnist']}"
    page = open_page(f"/ui/predict?models={both}&sample=fashion-mnist-0")
    page.select_option("#taught-model", index=1)
    page.click("#taught-look")
    expect(page.locator("#taught-words")).to_contain_text("the loss of Ankle boot is")
    batch = items(page, "lowered").first
    expect(batch.locator("canvas")).to_have_count(4)
    expect(batch).to_contain_text("+")
    page.wait_for_url(f"**taught-model={models['fashion-mnist']}*")
    copy = open_page(page.url.removeprefix(page.url.split("/ui/")[0]))
    expect(copy.locator("#taught-words")).to_contain_text("the loss of Ankle boot is")


def test_the_steps_are_saved_as_csv(open_page, models):
    page = open_page(f"/ui/predict?models={models['mnist']}&sample=mnist-8&taught=5")
    expect(items(page, "raised")).to_have_count(5)
    page.locator("#taught > .save > summary").click()
    with page.expect_download() as saved:
        page.locator("#taught > .save").get_by_text("CSV").click()
    rows = list(csv.DictReader(Path(saved.value.path()).read_text().splitlines()))
    assert len(rows) == 10
    for row in rows:
        change = float(row["loss of 5 after, nats"]) - float(row["loss of 5 before, nats"])
        assert abs(change - float(row["change, nats"])) < 1e-12


def test_without_steps_a_new_training_is_offered(visit, stack, without_steps):
    watched = visit(stack.url, f"/ui/predict?models={without_steps}&taught=predicted")
    page = watched.page
    trouble = page.locator("#taught-trouble")
    expect(trouble).to_contain_text("The steps of this model were not kept.")
    expect(page.locator("#taught-look")).to_be_disabled()
    assert watched.axe() == []
    page.get_by_role("link", name="Train again").click()
    page.wait_for_url("**/?recipe=mnist-numpy*")
    expect(page.locator("#train")).to_be_visible()


def test_on_a_phone_in_the_dark_all_of_it_fits(visit, stack, models):
    phone = {"viewport": {"width": 375, "height": 700}, "color_scheme": "dark"}
    path = f"/ui/predict?models={models['mnist']}&sample=mnist-8&taught=5"
    watched = visit(stack.url, path, **phone)
    expect(items(watched.page, "raised")).to_have_count(5)
    width = watched.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 375
    assert watched.axe() == []
