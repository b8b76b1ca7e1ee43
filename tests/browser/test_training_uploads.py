"""Train on uploaded data sets: the form, the curves and the facts follow the data set."""

import pytest
from playwright.sync_api import expect

from stepbox.store.datasets import DatasetStore
from tests.datasets import add_dataset
from tests.processes import stack_in

COLUMNS = ("height", "width", "weight")
RECIPE = {"recipe": "mnist-numpy", "epochs": 9, "validation": 0.2, "early_stopping": 1}


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    """Run an installation with small data sets; return it and their ids."""
    with stack_in(tmp_path_factory.mktemp("uploads")) as stack:
        stack.start_redis()
        settings = stack.settings()
        store = DatasetStore(settings.datasets_dir, settings.data_dir)
        ids = {
            "table": add_dataset(store, "table", (3,), columns=COLUMNS, train=31)[0].id,
            "color": add_dataset(store, "color", (8, 6, 3), classes=12, train=60)[0].id,
            "again": add_dataset(store, "color", (8, 6), seed=1)[0].id,
        }
        stack.start_worker()
        stack.start_service()
        yield stack, ids


def canvases(page):
    """Return the sizes of the canvases with example images that are shown."""
    return page.locator("#faces canvas:visible").evaluate_all(
        "all => all.map((one) => [one.width, one.height])"
    )


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_the_form_follows_the_data_set(visit, uploads, width, scheme):
    stack, ids = uploads
    viewport = {"width": width, "height": 800}
    path = f"/?dataset={ids['table']}&recipe=mnist-numpy-best#train"
    watched = visit(stack.url, path, viewport=viewport, color_scheme=scheme)
    page = watched.page
    expect(page.locator("#columns")).to_have_text("height, width, weight")
    expect(page.locator("#data figcaption")).to_contain_text(
        "table: 31 samples of 3 numbers, 3 classes; 12 others test the network."
    )
    expect(page.locator("#sketch svg")).to_have_attribute(
        "aria-label", "Layers of 3, 512, 128, 3 neurons"
    )
    # The API sets the fields that tables determine.
    request = page.locator("#request code").first
    expect(request).to_contain_text(
        f'{{"recipe": "mnist-numpy-best", "dataset": "{ids["table"]}"}}'
    )
    expect(page.locator("#standardize")).to_have_value("true")
    expect(page.locator("#augmentation")).to_have_value("none")
    assert watched.axe() == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.select_option("#dataset", ids["color"])
    expect(page.locator("#standardize")).to_have_value("false")
    expect(page.locator("#columns")).to_be_hidden()
    expect(page.locator("#faces canvas").first).to_have_attribute("width", "6")
    assert canvases(page) == [[6, 8]] * 10
    page.select_option("#dataset", ids["again"])
    expect(page.locator("#faces canvas:visible")).to_have_count(3)
    page.select_option("#dataset", "mnist")
    expect(page.locator("#augmentation")).to_have_value("distort")
    expect(request).to_contain_text('{"recipe": "mnist-numpy-best"}')


def test_equal_titles_are_told_apart_by_their_ids(visit, uploads):
    stack, ids = uploads
    options = visit(stack.url, "/").page.locator("#dataset option").all_text_contents()
    assert options[:2] == ["MNIST", "Fashion-MNIST"]
    assert sorted(options[2:]) == sorted(
        ["Spiral, noise 0.05", "table", f"color ({ids['color']})", f"color ({ids['again']})"]
    )


def test_a_field_that_does_not_fit_is_sent_if_it_was_changed(visit, uploads):
    stack, ids = uploads
    watched = visit(
        stack.url, f"/?dataset={ids['table']}&standardize=false&validation=0.2&early_stopping=2"
    )
    page = watched.page
    page.click(".go [type=submit]")
    expect(page.locator("#standardize-fault")).to_contain_text("must be true")
    page.select_option("#standardize", "true")
    request = page.locator("#request code").first
    expect(request).to_contain_text('"early_stopping": 2')
    page.fill("#early_stopping", "")
    expect(request).not_to_contain_text("early_stopping")
    expect(page.locator("#early_stopping-fault")).to_have_count(0)
    page.fill("#from_model", "none-such")
    page.click(".go [type=submit]")
    expect(page.locator("#from_model-fault")).to_be_visible()
    assert all("422" in fault or "404" in fault for fault in watched.faults)
    watched.faults.clear()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_a_job_shows_its_validation_and_its_data_set(visit, uploads, width, scheme):
    stack, ids = uploads
    job = stack.train(**RECIPE, dataset=ids["table"], learning_rate=10)
    epoch = stack.wait_for(job["id"])["history"][-1]["epoch"]
    assert epoch < RECIPE["epochs"]
    viewport = {"width": width, "height": 800}
    path = f"/ui/jobs/{job['id']}"
    watched = visit(stack.url, path, viewport=viewport, color_scheme=scheme)
    page = watched.page
    expect(page.locator("main")).to_contain_text(f"stopped early after epoch {epoch}")
    for chart in ("#loss", "#accuracy"):
        expect(page.locator(f"{chart} [stroke-dasharray='6 4']")).to_have_count(1)
    expect(page.locator("#loss")).to_contain_text("ln 3")
    link = page.locator("#facts").get_by_role("link", name="table")
    expect(link).to_have_attribute("href", f"/ui/data/{ids['table']}")
    facts = page.locator("#facts")
    for words in ("3 → 32 → 32 → 3", "Balanced accuracy", "Macro F1", "Validation accuracy"):
        expect(facts).to_contain_text(words)  # its classes have 11, 10 and 10 samples
    assert watched.axe() == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
