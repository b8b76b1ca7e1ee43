"""The list of models and their comparison in a browser."""

import json
import shutil
from itertools import combinations
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from service.backend import Backend
from service.settings import ServiceSettings
from stepbox.training.recipe import Recipe
from tests.processes import stack_in
from tests.service.conftest import publish

RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 10]
COPIES = 103
PERFECT = [[1000 * (i == j) for j in range(10)] for i in range(10)]
LONG = "x" * 63  # the longest alias
BOXES = """(texts) => texts.map((text) => {
    const { left, right, top, bottom } = text.getBoundingClientRect();
    return [left, right, top, bottom];
})"""


def model_id(number):
    return f"m-{number:012x}"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Start an installation with 103 models, the newest eight with different learning rates."""
    with stack_in(tmp_path_factory.mktemp("many")) as stack:
        settings = ServiceSettings(
            models_dir=stack.models_dir, data_dir=Path(stack.environment["STEPBOX_DATA_DIR"])
        )
        original, _ = publish(Backend(settings))
        for number in range(COPIES):
            copy = stack.models_dir / model_id(number)
            shutil.copytree(stack.models_dir / original, copy)
            card = json.loads((copy / "card.json").read_text())
            created_at = f"2026-01-01T00:{59 - number // 60:02}:{59 - number % 60:02}Z"
            card.update(id=copy.name, created_at=created_at)
            # Only the loss of the last model is no lower than guessing, ln 10 = 2.303.
            card["evaluation"]["loss"] = 1 + number / 78
            if number:  # the newest model remains no better than guessing
                card["evaluation"]["confusion_matrix"] = PERFECT
            if number < len(RATES):
                card["recipe"]["learning_rate"] = RATES[number]
                losses = {"train_loss": None, "test_accuracy": 0.9}
                card["history"] = [
                    {"epoch": epoch, "test_loss": loss, "seconds": 1.25 * epoch, **losses}
                    for epoch, loss in ((0, 2.3), (3, 0.5 + number / 1000))
                ]
            (copy / "card.json").write_text(json.dumps(card))
        shutil.rmtree(stack.models_dir / original)
        stack.start_redis()
        stack.start_service()
        answer = requests.put(
            f"{stack.url}/aliases/{LONG}", json={"model": model_id(0)}, timeout=10
        )
        assert answer.status_code == 200
        yield stack


def shown(page):
    """Return the ids of the models in the list."""
    return page.locator("#models tbody input").evaluate_all("all => all.map((one) => one.value)")


def boxes_collide(texts):
    """Tell whether two of the texts overlap: they share more than a pixel in both directions."""
    boxes = texts.evaluate_all(BOXES)
    assert len(boxes) > 1
    return any(
        min(a[1], b[1]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[2], b[2]) > 1
        for a, b in combinations(boxes, 2)
    )


def test_a_long_list_is_shown_in_parts_and_does_not_grow_when_images_load(many, visit):
    watched = visit(many.url, "/ui/models")
    page = watched.page
    expect(page.locator("#count")).to_have_text("103 models")
    assert shown(page) == [model_id(number) for number in range(100)]
    height = page.evaluate("document.documentElement.scrollHeight")
    page.click("text=Show 3 more", trial=True)  # scrolls there, which loads images of weights
    watched.settle()
    expect(page.locator(".strip canvas").nth(99)).to_have_attribute("width", "238")
    assert page.evaluate("document.documentElement.scrollHeight") == height
    page.click("text=Show 3 more")
    expect(page.locator("#models tbody tr")).to_have_count(103)
    expect(page.locator("#more")).to_be_empty()


def test_models_are_sorted_by_a_column_and_the_address_keeps_it(many, visit):
    page = visit(many.url, "/ui/models").page
    header = page.locator("#models th", has_text="Loss, nats")
    expect(page.locator("[aria-sort=descending]")).to_have_text("Created")
    header.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "descending")
    expect(page.locator("[aria-sort]")).to_have_count(1)
    page.reload()
    expect(header).to_have_attribute("aria-sort", "descending")
    assert shown(page)[:2] == [model_id(102), model_id(101)]


def test_models_are_filtered_and_the_address_keeps_it(many, visit):
    page = visit(many.url, "/ui/models").page
    page.fill("#text", "rate 0.0")
    page.select_option("#engine", "numpy")
    expect(page.locator("#count")).to_have_text("3 of 103 models")
    page.reload()
    expect(page.locator("#count")).to_have_text("3 of 103 models")
    expect(page.locator("#text")).to_have_value("rate 0.0")
    page.fill("#text", "nothing")
    expect(page.locator("#none")).to_contain_text("No model matches")
    page.click("text=Show all models")
    expect(page.locator("#count")).to_have_text("103 models")
    expect(page.locator("#engine")).to_have_value("")


def test_the_bar_stays_in_view_and_leads_to_the_comparison(many, visit):
    page = visit(many.url, "/ui/models").page
    expect(page.locator("#bar")).to_be_hidden()
    page.check(f"[value={model_id(1)}]")
    expect(page.locator("#ticked")).to_contain_text("Tick another one")
    page.check(f"[value={model_id(50)}]")
    expect(page.locator("#to-comparison")).to_have_text("Compare (2)")
    expect(page.locator("#bar")).to_be_in_viewport()
    expect(page.locator("#compare-title")).not_to_be_in_viewport()
    page.click("#to-comparison")
    expect(page.locator("#compare-title")).to_be_in_viewport()
    expect(page.locator("#bar")).not_to_be_in_viewport()
    expect(page.locator("#figures thead a")).to_have_count(2)
    page.reload()
    expect(page.locator("#compare-title")).to_be_in_viewport()
    expect(page.locator(f"[value={model_id(50)}]")).to_be_checked()
    page.click("text=Remove >> nth=0")
    expect(page.locator("#ticked")).to_contain_text("1 model ticked")
    page.click("#clear")
    expect(page.locator("#bar")).to_be_hidden()
    expect(page.locator("#models tbody input:checked")).to_have_count(0)


def test_eight_learning_rates_label_the_curves_in_their_order(many, visit):
    chosen = ",".join(model_id(number) for number in (3, 1, 0, 2, 7, 5, 6, 4))
    page = visit(many.url, f"/ui/models?compare={chosen}").page
    expect(page.locator("#figures .mark-of")).to_have_text([f"{rate:g}" for rate in RATES])
    expect(page.locator("#verdict")).to_contain_text("Nothing but the learning rate differs")
    expect(page.locator("#figures .differs")).to_have_count(1)
    expect(page.locator("#figures .differs")).to_contain_text("learning rate")
    for chart in ("#compare-loss", "#compare-accuracy"):
        labels = page.locator(f"{chart} .end")
        expect(labels).to_have_count(8)
        assert not boxes_collide(labels)
    page.uncheck("#differing")
    expect(page.locator("#figures .differs")).to_contain_text("learning rate differs")
    expect(page.locator("#figures tbody:last-child tr")).to_have_count(len(Recipe.model_fields))
    expect(page.locator("#models input:disabled")).to_have_count(92)
    expect(page.locator("#ticked")).to_contain_text("the most that can be compared")


def test_models_that_are_no_better_than_guessing_have_a_remark(many, visit):
    chosen = f"{model_id(0)},{model_id(1)}"
    page = visit(many.url, f"/ui/models?compare={chosen}").page
    expect(page.locator("#models .remark").first).to_have_text("No better than guessing")
    expect(page.locator("#figures .remark")).to_have_count(1)
    page = visit(many.url, f"/ui/models?compare={model_id(0)},{model_id(COPIES - 1)}").page
    remarks = ["No better than guessing", "Its loss is no lower than guessing"]
    expect(page.locator("#figures .remark")).to_have_text(remarks)


def test_an_address_with_too_many_or_unknown_models_says_so(many, visit):
    chosen = [model_id(number) for number in range(10)]
    page = visit(many.url, f"/ui/models?compare={','.join(chosen)},gone").page
    notice = page.locator(".notice")
    expect(notice).to_contain_text("There is no model or alias “gone”.")
    expect(notice).to_contain_text(f"left out: {chosen[8]}, {chosen[9]}.")
    expect(page.locator("#figures thead a")).to_have_count(8)


def test_long_names_fit_a_phone_and_a_deleted_job_has_no_link(many, visit):
    page = visit(
        many.url, f"/ui/models?compare={LONG},{model_id(1)}", viewport={"width": 375, "height": 800}
    ).page
    expect(page.locator("#models tbody tr").first).to_contain_text(LONG)
    expect(page.locator("#figures thead a")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    watched = visit(many.url, f"/ui/models/{LONG}", viewport={"width": 375, "height": 800})
    expect(watched.page.locator("#facts")).to_contain_text(LONG)
    expect(watched.page.locator(".remark")).to_have_text("No better than guessing")
    expect(watched.page.locator("#job")).to_have_text("deleted")
    expect(watched.page.locator("#job a")).to_have_count(0)
    assert watched.page.evaluate("document.documentElement.scrollWidth") == 375
    watched.settle()  # the browser reports the missing job after the page shows it
    assert all("404" in fault for fault in watched.faults)  # the job
    watched.faults.clear()


@pytest.mark.parametrize("width", [320, 375])
def test_two_models_fit_a_phone_side_by_side(many, visit, width):
    address = f"/ui/models?compare={model_id(0)},{model_id(1)}"
    page = visit(many.url, address, viewport={"width": width, "height": 800}).page
    expect(page.locator("#figures thead a")).to_have_count(2)
    sizes = page.locator("#figures").evaluate(
        "({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth]"
    )
    assert sizes[0] == sizes[1]


def test_an_installation_without_models_leads_to_the_jobs(own_stack, visit):
    own_stack.start_redis()
    own_stack.start_service()
    page = visit(own_stack.url, "/ui/models").page
    expect(page.locator("#trouble .empty")).to_contain_text("There are no models yet")
    expect(page.locator("#filters, #models, #bar, #compare")).to_have_count(4)
    for hidden in page.locator("#filters, #models, #bar, #compare").all():
        expect(hidden).to_be_hidden()
    page.click("#trouble .empty a")
    page.wait_for_url(own_stack.url + "/")


def test_models_of_different_data_sets_are_compared(open_page, models):
    page = open_page(f"/ui/models?compare={','.join(models.values())}#compare")
    expect(page.locator("#verdict")).to_contain_text("different data sets")
    expect(page.locator("#figures .mark-of")).to_have_text([" A", " B"])
    expect(page.locator("#compare-loss [stroke-dasharray='6 3']")).to_have_count(1)
