"""The form that starts trainings, and several values of a field."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect


def test_each_error_is_shown_at_its_field(visit, stack):
    watched = visit(stack.url, "/")
    page = watched.page
    page.fill("#learning_rate", "0")
    page.fill("#epochs", "9000")
    expect(page.locator("#learning_rate-fault")).to_have_text("Enter a number above 0, up to 10")
    for said in (page.locator("#changes"), page.locator("#time")):
        expect(said).to_be_hidden()  # the bar does not describe values that are not allowed
    expect(page.locator("#said")).to_have_text("2 fields need a change.")
    page.click(".go [type=submit]")
    expect(page.locator("#learning_rate-fault")).to_have_text("Enter a number above 0, up to 10")
    expect(page.locator("#epochs-fault")).to_have_text("Enter a whole number from 1 to 1,000")
    expect(page.locator("#epochs")).to_be_focused()
    expect(page.locator("#said")).to_have_text("2 fields need a change.")
    page.fill("#epochs", "5")
    page.fill("#learning_rate", "0.1")
    expect(page.locator("#changes")).to_have_text("2 fields changed: epochs 5, learning rate 0.1")
    expect(page.locator(".changed")).to_have_count(2)  # each has its own button to reset it
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_text_in_a_number_field_is_sent_unchanged_and_its_error_ends_with_a_change(visit, stack):
    watched = visit(stack.url, "/?epochs=many&pixel_scale=nonsense")
    page = watched.page
    expect(page.locator("#request code")).to_contain_text('"epochs": "many"')
    expect(page.locator("#request code")).not_to_contain_text("pixel_scale")
    page.click(".go [type=submit]")
    expect(page.locator("#epochs")).to_have_attribute("aria-invalid", "true")
    page.fill("#epochs", "2")
    expect(page.locator(".fault:not(:empty)")).to_have_count(0)
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def covered(page, selector):
    """Tell whether something lies over the middle of an element."""
    return page.locator(selector).evaluate(
        """element => {
            const { x, y, width, height } = element.getBoundingClientRect();
            return !element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
        }"""
    )


@pytest.mark.parametrize("width", [1280, 375])
def test_the_address_fills_in_the_form_and_the_start_button_stays_in_view(open_page, width):
    page = open_page(
        "/?recipe=fashion-mnist-torch&learning_rate=0.1&dropout=0.2",
        viewport={"width": width, "height": 700},
    )
    expect(page.locator("#chosen")).to_have_text("fashion-mnist-torch")
    expect(page.locator("#changes")).to_have_text(
        "2 fields changed: learning rate 0.1, dropout 0.2"
    )
    expect(page.locator("#data")).to_contain_text("60,000 pictures of clothes")
    expect(page.locator("#learning_rate")).to_be_focused()
    expect(page.locator("#dropout")).to_be_visible()  # although it is not one of the first fields
    for y in (0, 500, 10_000):
        page.evaluate("y => window.scrollTo(0, y)", y)
        expect(page.locator(".go [type=submit]")).to_be_in_viewport(ratio=1)
    for field in page.locator("#train input:visible, #train select:visible").all():
        field.focus()
        assert not covered(
            page,
            f"#{field.get_attribute('id')}" if field.get_attribute("id") else "[name=recipe]:focus",
        )


def test_an_address_that_asks_for_what_does_not_exist_is_not_ignored(open_page):
    page = open_page("/?recipe=none-such&pixel_scale=half")
    expect(page.locator("#trouble")).to_contain_text("the recipe “none-such”")
    expect(page.locator("#trouble")).to_contain_text("the pixel_scale “half”")


def test_values_that_conflict_with_other_fields_are_not_started(visit, stack):
    watched = visit(stack.url, "/?recipe=mnist-numpy-published&epochs=1")
    page = watched.page
    page.click("#to-several")
    page.select_option("#several-field", "batch_size")
    page.fill("#several-values", "1, 2")
    page.click("text=Start 2 trainings")
    said = page.locator("#several-said")
    expect(said).to_contain_text("Started: 1. Not started: 2 (")
    expect(said.get_by_role("link")).to_have_text("See the curves")
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_several_values_are_started_at_once_and_shown_together(visit, stack, models):
    watched = visit(stack.url, "/?recipe=mnist-numpy&epochs=1")
    page = watched.page
    page.click("#to-several")
    expect(page.locator("#several-values")).to_be_focused()
    expect(page.locator(".go [type=submit]")).to_have_text("Start one training")
    expect(page.locator("#several-values")).to_have_value("0.0033, 0.01, 0.03, 0.09, 0.27")
    page.fill("#learning_rate", "20")  # not allowed: there is nothing around it to suggest
    expect(page.locator("#several-values")).to_have_value("")
    page.fill("#learning_rate", "0.03")
    expect(page.locator("#several-values")).to_have_value("0.0033, 0.01, 0.03, 0.09, 0.27")
    page.fill("#several-values", "0.1, 0.01, 11")
    page.fill("#learning_rate", "0.3")
    page.fill("#learning_rate", "0.03")
    expect(page.locator("#several-values")).to_have_value("0.1, 0.01, 11")  # the user's own
    page.click("text=Start 3 trainings")
    expect(page.locator("#several-said")).to_have_text("11: Enter a number above 0, up to 10")
    page.fill("#several-values", "0.1, 0.01")
    page.click("text=Start 2 trainings")
    page.wait_for_url("**compare=**")
    [jobs] = parse_qs(urlsplit(page.url).query)["compare"]
    tags = {tag for id in jobs.split(",") for tag in stack.job(id)["tags"]}
    assert [bool(re.fullmatch(r"learning rate \d\d:\d\d", tag)) for tag in tags] == [True]
    expect(page.locator("#changes")).to_have_text("1 field changed: epochs 1")
    expect(page.locator("#now-head")).to_contain_text("2 values of the learning rate")
    expect(page.locator("#now-head")).to_contain_text("Highest test accuracy")
    labels = page.locator("#now-chart text.end")
    expect(labels).to_have_count(3)  # the chart is drawn after the words above it
    assert sorted(labels.all_text_contents()) == ["0.01", "0.1", "guessing, ln 10"]
    colors = {label.get_attribute("fill") for label in labels.all()}
    assert len(colors) == 3
    page.click("text=Compare the models")
    page.wait_for_url("**/ui/models?compare=m-*")
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_the_first_view_has_the_first_fields_and_says_what_earlier_runs_took(stack, open_page):
    stack.wait_for(stack.train(recipe="mnist-numpy")["id"])
    page = open_page("/", viewport={"width": 1280, "height": 800})
    bar = page.locator(".go").bounding_box()
    for field in ("#epochs", "#learning_rate"):  # the others are below, as there are ten recipes
        box = page.locator(field).bounding_box()
        assert box["y"] + box["height"] < bar["y"]
    expect(page.get_by_role("radio", name="Start here")).to_be_checked()
    expect(page.locator(".result[data-recipe=mnist-numpy]")).to_contain_text(
        re.compile(r"^9\d\.\d\D*$")  # the only time is the estimate in the bar
    )
    expect(page.locator("#time")).to_contain_text("takes about")
    page.fill("#hidden_sizes", "7, 5, 3")  # as no earlier run
    expect(page.locator("#time")).to_be_empty()
