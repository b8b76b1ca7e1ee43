"""The pages of data sets, in an installation of their own: upload, look at, cancel and delete."""

import io
import zipfile

import numpy as np
import pytest
import requests
from PIL import Image
from playwright.sync_api import expect

from tests.processes import stack_in

HUES = {"blue": (20, 40, 200), "green": (20, 200, 40), "red": (200, 20, 40)}
MANY = 30  # classes: more than the page shows at once


def pictures():
    """Make a zip of three folders with ten images each."""
    random = np.random.default_rng(0)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, hue in HUES.items():
            for index in range(10):
                noise = random.integers(-20, 20, (20, 20, 3))
                pixels = np.uint8(np.array(hue) + noise)
                image = io.BytesIO()
                Image.fromarray(pixels).save(image, "png")
                archive.writestr(f"hues/{name}/{index}.png", image.getvalue())
    return {"name": "My Hues.zip", "mimeType": "application/zip", "buffer": file.getvalue()}


def numbers(name="heights.csv", classes=("short", "tall"), label="label"):
    """Make a CSV file with a column of numbers around a different mean for each class."""
    rows = [f"{i % 7},{10 * k + i},{text}" for k, text in enumerate(classes) for i in range(10)]
    text = "\n".join([f"width,height,{label}", *rows])
    return {"name": name, "mimeType": "application/vnd.ms-excel", "buffer": text.encode()}


@pytest.fixture(scope="module")
def idle(tmp_path_factory):
    """Run an installation without a worker."""
    with stack_in(tmp_path_factory.mktemp("data")) as stack:
        stack.start_redis()
        stack.start_service()
        yield stack


@pytest.fixture(scope="module")
def busy(idle):
    """Start a worker."""
    idle.start_worker()
    return idle


def upload(page, file, **fields):
    page.locator("#files").set_input_files(file)
    for name, value in fields.items():
        page.get_by_label(name, exact=True).fill(value)
    page.get_by_role("button", name="Upload", exact=True).click()


def check_faults(watched, status):
    """Check that the browser reported only responses with this status, and forget them."""
    assert watched.faults
    assert all(status in fault for fault in watched.faults)
    watched.faults.clear()


def test_an_import_that_waits_is_shown_again_later_and_can_be_cancelled(visit, idle):
    page = visit(idle.url, "/ui/data").page
    upload(page, numbers(), Name="waits")
    expect(page.locator("#problem")).to_contain_text("queued, next")
    expect(page.locator("#go")).to_be_hidden()
    again = visit(idle.url, "/ui/data").page
    expect(again.locator("#imports")).to_contain_text("Import of waits")
    again.get_by_role("button", name="Cancel the import").click()
    expect(again.locator("#imports li")).to_have_count(0)
    expect(page.locator("#problem")).to_have_text("The import was cancelled.")
    expect(page.locator("#chosen")).to_contain_text("heights.csv")
    expect(page.locator("#go")).to_be_visible()


def test_an_upload_can_be_cancelled(visit, idle):
    watched = visit(idle.url, "/ui/data")
    page = watched.page
    page.route("**/datasets?*", lambda route: None)  # as over a slow network
    upload(page, numbers())
    expect(page.locator("#sending")).to_contain_text("Uploading: ")
    assert watched.axe() == []
    page.get_by_role("button", name="Cancel the upload").click()
    expect(page.locator("#problem")).to_have_text("The upload was cancelled. Nothing was kept.")
    expect(page.locator("#sending")).to_be_hidden()


def test_a_zip_of_folders_becomes_a_data_set_of_images(visit, busy):
    page = visit(busy.url, "/ui/data").page
    upload(page, pictures())
    expect(page.locator("#title")).to_have_text("my-hues")
    sentence = "24 + 6 images of 20×20 pixels in color, 3 classes."
    expect(page.locator("#sentence")).to_have_text(sentence)
    rows = page.locator("#per-class tbody tr")
    assert [row.split()[:3] for row in rows.all_inner_texts()] == [
        [name, "8", "2"] for name in HUES
    ]
    page.locator("#samples").scroll_into_view_if_needed()
    expect(page.locator("#samples li")).to_have_count(24)
    page.get_by_label("test", exact=True).check(force=True)
    expect(page.locator("#range")).to_have_text("1 to 6 of 6")
    page.get_by_label("Class", exact=True).select_option("red")
    expect(page.locator("#range")).to_have_text("1 to 2 of 2")
    color = "(canvas) => [...canvas.getContext('2d').getImageData(9, 9, 1, 1).data]"
    red, green, blue, _ = page.locator("#samples canvas").first.evaluate(color)
    assert red > 150 > max(green, blue)
    red, green, blue, _ = page.locator("#mean canvas").evaluate(color)
    assert max(abs(red - 80), abs(green - 87), abs(blue - 93)) < 12
    page.reload()
    page.locator("#samples").scroll_into_view_if_needed()
    expect(page.locator("#range")).to_have_text("1 to 2 of 2")  # the address keeps the choice
    page.get_by_role("link", name="Data", exact=True).first.click()
    listed = page.locator("#datasets li", has_text="my-hues")
    expect(listed).to_contain_text("3 classes")
    expect(listed.locator("canvas")).to_have_count(6)


def test_a_table_becomes_a_data_set_of_vectors_and_its_pages_are_turned_with_the_keyboard(
    visit, busy
):
    page = visit(busy.url, "/ui/data").page
    classes = [f"kind {k}" for k in range(MANY)]
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#files-fault")).to_have_text("Choose a file first.")
    page.get_by_text("Options", exact=True).click()
    upload(page, numbers("kinds.csv", classes), **{"Test share": "0.5"})
    expect(page.locator("#sentence")).to_have_text("150 + 150 rows of 2 numbers, 30 classes.")
    expect(page.locator("#per-class tbody tr")).to_have_count(20)
    page.get_by_role("button", name="Show 10 more of 10 classes").click()
    expect(page.locator("#per-class tbody tr")).to_have_count(30)
    expect(page.locator("#columns tbody th")).to_have_text(["width", "height"])
    expect(page.locator("#columns-words")).to_contain_text("too many classes")
    page.locator("#samples").scroll_into_view_if_needed()
    expect(page.locator("#range")).to_have_text("1 to 20 of 150")
    page.locator("#next").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#range")).to_have_text("21 to 40 of 150")
    expect(page.locator("#samples tbody tr").first.locator("th")).to_have_text("20")


def test_what_is_wrong_is_said_and_the_form_stays_filled_in(visit, busy):
    watched = visit(busy.url, "/ui/data")
    page = watched.page
    upload(page, numbers(label="kind"), Name="Heights!")
    expect(page.locator("#name-fault")).to_contain_text("lower-case letters")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.get_by_label("Name", exact=True).fill("heights")
    page.locator("#files").set_input_files({**numbers(), "buffer": b""})
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#problem")).to_contain_text("This file cannot be used. The body is empty")
    page.locator("#files").set_input_files(numbers(label="kind"))
    expect(page.locator("#name-fault")).to_be_empty()
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#problem .notice")).to_contain_text("label")
    assert watched.axe() == []
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Label column").fill("kind")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#title")).to_have_text("heights")
    id = page.locator("#facts dd").first.inner_text()
    link = page.get_by_role("link", name="Train on it")
    expect(link).to_have_attribute("href", f"/?dataset={id}#train")
    check_faults(watched, "422")


def test_several_files_are_one_data_set_and_the_same_samples_are_not_added_twice(visit, busy):
    page = visit(busy.url, "/ui/data").page
    files = [numbers("shop-train.csv", ("a", "b", "c")), numbers("shop-test.csv", ("c", "b", "a"))]
    upload(page, files)
    expect(page.locator("#title")).to_have_text("shop")
    expect(page.locator("#sentence")).to_contain_text("30 + 30 rows")
    expect(page.locator("#warnings")).to_contain_text("also training samples")
    page.goto(f"{busy.url}/ui/data")
    upload(page, files, Name="again")
    expect(page.locator("#problem")).to_have_text(
        "These samples are already here, as shop. Nothing was added."
    )
    expect(page.locator("#datasets")).not_to_contain_text("again")


def test_an_upload_over_the_quota_is_not_sent(visit, idle):
    page = visit(idle.url, "/ui/data").page
    storage = {"storage": {"datasets": 1, "used_bytes": 950, "allowed_bytes": 1000}}
    page.route("**/system", lambda route: route.fulfill(json=storage))
    page.reload()
    expect(page.locator("#storage")).to_contain_text("950 bytes of the 1,000 bytes")
    upload(page, numbers())
    expect(page.locator("#files-fault")).to_contain_text("but only 50 bytes are left")


def test_a_file_can_be_dropped(visit, idle):
    page = visit(idle.url, "/ui/data").page
    page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["a,label"], "Dropped one.csv"));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
        }"""
    )
    expect(page.locator("#chosen")).to_have_text("Dropped one.csv, 7 bytes")
    expect(page.get_by_label("Name", exact=True)).to_have_value("dropped-one")


def test_a_data_set_is_deleted_after_a_second_question_if_models_need_it(visit, busy):
    body = numbers(classes=("dark", "light"))["buffer"]
    job = requests.post(f"{busy.url}/datasets?name=used", data=body, timeout=10).json()
    dataset = busy.wait_for(job["id"])["dataset"]
    training = busy.train(recipe="mnist-numpy", dataset=dataset, epochs=1, batch_size=4)
    model = busy.wait_for(training["id"])["model"]
    watched = visit(busy.url, "/ui/data/used")
    page = watched.page
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#sure")).to_contain_text(model)
    page.get_by_role("button", name="Delete anyway").click()
    expect(page.locator("#datasets")).to_contain_text("MNIST")
    expect(page.locator("#datasets")).not_to_contain_text("used")
    check_faults(watched, "409")
