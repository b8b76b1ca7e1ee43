"""The page of a prediction of a data set: its progress, and what it has found."""

import csv

import pytest
import requests
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def prediction(stack, models):
    """Predict the test set of MNIST; return the finished job."""
    body = {"model": models["mnist"], "dataset": "mnist"}
    answer = requests.post(f"{stack.url}/predictions", json=body, timeout=60)
    assert answer.status_code == 202, answer.text
    return stack.wait_for(answer.json()["id"])


def test_the_page_shows_the_accuracy_the_files_and_the_uncertain_samples(
    open_page, stack, models, prediction, tmp_path
):
    found = requests.get(stack.url + prediction["links"]["result"], timeout=60).json()
    page = open_page(f"/ui/jobs/{prediction['id']}")
    expect(page.locator("#title")).to_have_text("Prediction of mnist")
    expect(page.locator("#state")).to_have_text("succeeded")
    accuracy = f"{100 * found['evaluation']['accuracy']:.2f}\u202f%"
    expect(page.locator("#figures")).to_contain_text(accuracy)
    rows = page.locator("#uncertain tbody tr")
    expect(rows).to_have_count(100)
    first = found["uncertain"][0]
    expect(rows.first.locator("td").nth(1)).to_have_text(first["label"])
    expect(rows.first.locator("td").nth(2)).to_have_text(first["predicted"])
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    path = tmp_path / "result.csv"
    download.value.save_as(path)
    with path.open(newline="") as file:
        assert len([*csv.reader(file)]) == 10_001
    rows.first.get_by_role("link").click()
    page.wait_for_url(f"**/ui/predict?sample=mnist-{first['index']}&models={models['mnist']}")


def test_the_list_of_jobs_names_a_prediction(open_page, prediction):
    page = open_page("/")
    link = page.locator(f'a[href="/ui/jobs/{prediction["id"]}"]')
    expect(link).to_have_text("Prediction of mnist")


def test_a_model_predicts_a_data_set_that_is_chosen_on_its_page(open_page, stack, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    page.get_by_role("button", name="Predict a data set…").click()
    dialog = page.get_by_role("dialog", name="Predict a data set")
    data = dialog.get_by_label("Data set", exact=True)
    expect(data.locator("option[value=fashion-mnist]")).to_have_count(1)  # it has the same form
    data.select_option("mnist")
    dialog.get_by_label("Samples").select_option("train")
    expect(dialog.get_by_label("Samples")).to_contain_text("train, 60,000 samples")
    dialog.get_by_role("button", name="Predict", exact=True).click()
    page.wait_for_url("**/ui/jobs/*")
    expect(page.locator("#title")).to_have_text("Prediction of mnist")
    expect(page.locator("#state")).to_have_text("succeeded")
    expect(page.locator("#figures")).to_contain_text("60,000")
    expect(page.locator("#uncertain tbody tr")).to_have_count(100)
