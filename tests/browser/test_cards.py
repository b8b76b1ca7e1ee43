"""The pages of models of uploaded data sets, in an installation of their own."""

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.test_predicting_uploads import hues, table
from tests.processes import stack_in

MANY = 35  # classes: more than the confusion matrix has labels for
COLUMNS = 50  # more than have a bar each
LONG = "a class with quite a long name that does not fit"
CLASSES = ["common <kind>", LONG]


def unbalanced():
    """Make a CSV file with 90 rows of one class and 10 of the other."""
    rows = [f"{i % 7},{i % 5},{CLASSES[i >= 90]}" for i in range(100)]
    return "\n".join(["height,width,label", *rows]).encode()


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    """Run an installation with a model of each data set; return it, their ids and the data sets."""
    files = {
        "hues": hues(),
        "wide": table([f"column-{i}" for i in range(COLUMNS)], ["low", "high"]),
        "many": table(["height", "width"], [f"class number {i}" for i in range(MANY)]),
        "unbalanced": unbalanced(),
    }
    with stack_in(tmp_path_factory.mktemp("cards")) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        models, datasets = {}, {}
        recipe = {"recipe": "mnist-numpy", "epochs": 3, "batch_size": 4}
        for name, content in files.items():
            address = f"{stack.url}/datasets"
            job = requests.post(address, params={"name": name}, data=content, timeout=10).json()
            datasets[name] = stack.wait_for(job["id"])["dataset"]
            share = 0.2 if name == "unbalanced" else 0
            training = stack.train(dataset=datasets[name], validation=share, **recipe)
            models[name] = stack.wait_for(training["id"])["model"]
        training = stack.train(dataset=datasets["wide"], from_model=models["wide"], **recipe)
        models["continued"] = stack.wait_for(training["id"])["model"]
        yield stack, models, datasets


@pytest.fixture
def open_model(visit, uploads):
    """Open the page of a model."""
    stack, models, _ = uploads

    def open_model(name, **options):
        return visit(stack.url, f"/ui/models/{models[name]}", **options)

    return open_model


def scroll_through(watched):
    """Load what loads only once it comes near the view."""
    for host in ("#mistakes", "#hists", "#tiles", "#projection"):
        watched.page.locator(host).scroll_into_view_if_needed()
    watched.settle()


@pytest.mark.parametrize(("mode", "width"), [("light", 1280), ("dark", 375)])
@pytest.mark.parametrize("name", ["hues", "wide", "many", "unbalanced"])
def test_the_page_of_a_model_is_accessible_and_fits(open_model, name, mode, width):
    watched = open_model(name, color_scheme=mode, viewport={"width": width, "height": 800})
    expect(watched.page.locator("#confusion")).not_to_be_empty()
    expect(watched.page.locator("#tiles canvas")).to_have_count(32)
    scroll_through(watched)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.axe() == []


def test_a_model_of_color_images_shows_them_in_their_size(open_model, uploads):
    watched = open_model("hues")
    page = watched.page
    scroll_through(watched)
    link = page.locator("#facts a", has_text="hues")
    expect(link).to_have_attribute("href", f"/ui/data/{uploads[2]['hues']}")
    expect(page.locator("#facts")).to_contain_text("1200 → 32 → 32 → 3")
    expect(page.locator("h1")).to_contain_text("data set hues")
    expect(page.locator("#sentence")).to_contain_text("most frequent class reaches 33.3")
    expect(page.locator("#inputs")).to_have_text("each color of each of the 20 × 20 pixels")
    size = "canvas => [canvas.width, canvas.height]"
    assert page.locator("#large canvas").evaluate(size) == [60, 20]
    assert page.locator("#tiles canvas").first.evaluate(size) == [20, 20]
    assert page.locator("canvas.seen-image").evaluate(size) == [20, 20]
    expect(page.locator("#learned")).to_contain_text("guessing, ln 3")
    for cell in page.locator("#confusion button").all():
        if cell.inner_text() != "·":
            cell.click()
            break
    assert page.locator("#cell canvas").first.evaluate(size) == [20, 20]
    page.locator("#cell a").first.click()
    page.wait_for_url("**/ui/predict?sample=*")
    expect(page.locator("#steps")).to_contain_text("of hues, unchanged")


def test_a_model_of_rows_names_their_columns(open_model):
    watched = open_model("wide")
    page = watched.page
    scroll_through(watched)
    expect(page.locator("#projection-title")).to_have_text("The test rows in two dimensions")
    expect(page.locator(".weightbars tr")).to_have_count(40)
    expect(page.locator("#large")).to_contain_text("The 40 largest of 50 weights.")


def test_many_classes_have_a_list_of_confused_pairs(open_model):
    watched = open_model("many")
    page = watched.page
    size = "canvas => [canvas.width, canvas.height]"
    assert page.locator("#confusion canvas").evaluate(size) == [MANY, MANY]
    expect(page.locator("#confusion button")).not_to_have_count(0)
    pair = page.locator(".pairs button").last
    count, words = pair.inner_text().split(" × ")
    pair.click()
    expect(page.locator("#cell p").first).to_contain_text(words.replace(" taken", ", taken"))
    expect(page.locator("#cell .values")).to_have_count(int(count))
    expect(page.locator("#classes tbody tr")).to_have_count(MANY)
    expect(page.locator("#facts dt", has_text="Top-5 accuracy")).to_have_count(1)
    expect(page.locator("#facts dt", has_text="Balanced accuracy")).to_have_count(0)


def test_unbalanced_classes_have_other_figures_and_validation_a_curve(open_model):
    page = open_model("unbalanced").page
    for name in ("Balanced accuracy", "Macro F1"):
        expect(page.locator("#facts dt", has_text=name)).to_have_count(1)
    expect(page.locator("#facts dt", has_text="Top-5 accuracy")).to_have_count(0)
    expect(page.locator("#sentence")).to_contain_text("most frequent class reaches 90.0")
    expect(page.locator("#learned-validation")).to_have_text("Dashed: the validation loss.")
    for chart in ("#learned", "#accuracy"):
        expect(page.locator(f"{chart} [stroke-dasharray='6 4']")).to_have_count(1)
        expect(page.locator(f"{chart} .end", has_text="validation")).to_have_count(1)
    expect(page.locator("#confusion")).to_contain_text(LONG)


def test_the_list_tells_data_sets_apart_and_leads_to_the_former_model(visit, uploads):
    stack, models, _ = uploads
    page = visit(stack.url, f"/ui/models?compare={models['hues']},{models['wide']}").page
    row = page.locator("#models tbody tr", has=page.locator(f"[value={models['continued']}]"))
    expect(row).to_contain_text(f"continues {models['wide']}")
    expect(page.locator("#verdict")).to_contain_text("accuracies cannot be compared")
    expect(page.locator("#figures tbody tr", has_text="Data set")).to_contain_text("hues")
    page.select_option("#dataset", label="wide")
    expect(page.locator("#count")).to_have_text("2 of 5 models")
    row.get_by_role("link", name=models["wide"], exact=True).click()
    page.wait_for_url(f"**/ui/models/{models['wide']}")


def test_the_system_says_how_much_uploads_use(visit, uploads):
    page = visit(uploads[0].url, "/ui/system").page
    row = page.locator("#parts tr", has_text="Uploaded data sets")
    expect(row).to_contain_text("4, ")
    expect(row).to_contain_text("of 20 GiB used")


def test_a_deleted_data_set_is_explained_and_breaks_nothing(open_model, uploads):
    stack, _, datasets = uploads
    address = f"{stack.url}/datasets/{datasets['many']}?force=true"
    answer = requests.delete(address, timeout=10)
    assert answer.status_code == 204, answer.text
    watched = open_model("many")
    scroll_through(watched)
    page = watched.page
    expect(page.locator("#cell .notice")).to_contain_text("data set")
    expect(page.locator("#mistakes-words .notice")).to_contain_text("data set")
    expect(page.locator("#classes tbody tr")).to_have_count(MANY)
    expect(page.locator("#tiles canvas")).to_have_count(32)
    assert all("409" in fault for fault in watched.faults)
    watched.faults.clear()
