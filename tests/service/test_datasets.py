"""The endpoints of data sets: list, describe, show and delete them."""

import numpy as np
import pytest

from stepbox.data.builtin import DATASETS
from stepbox.store.datasets import DatasetStore
from tests.datasets import add_dataset
from tests.problems import check_problem, pointers
from tests.service.conftest import image_of


def test_all_data_sets_are_listed_the_newest_upload_first(client, uploaded):
    listed = client.get("/datasets").json["datasets"]
    assert [one["name"] for one in listed] == [*DATASETS, "colors", "flowers", "tiny"]
    mnist, tiny = listed[0], listed[-1]
    assert mnist["classes"] == list("0123456789")
    assert mnist["checksums"]["t10k-labels-idx1-ubyte"]
    assert mnist["train"]["samples"] == 60_000
    assert mnist["links"]["delete"] is None
    spec, _ = uploaded["tiny"]
    assert tiny["id"] == spec.id == spec.content_id
    assert tiny["test"]["per_class"] == [4, 4, 4]
    assert tiny["bytes"] == spec.bytes == (30 + 12) * (8 * 8 + 2)
    assert "folder" not in tiny


def test_a_data_set_has_an_id_and_a_name(client, uploaded):
    spec, _ = uploaded["flowers"]
    by_id = client.get(f"/datasets/{spec.id}").json
    assert by_id == client.get("/datasets/flowers").json
    assert by_id["columns"] == ["length", "width", "height", "weight"]
    assert client.get(f"/datasets/{DATASETS['mnist'].id}").json["name"] == "mnist"
    for link in ("self", "summary", "train", "test"):
        assert client.get(by_id["links"][link]).status_code == 200
    assert by_id["links"]["delete"] == f"/datasets/{spec.id}"
    for unknown in ("d-000000000000", "none", "..", "d-", "a" * 200):
        assert "there is no" in check_problem(client.get(f"/datasets/{unknown}"), 404)["detail"]


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", ["tiny", "colors"])
def test_images_are_listed_by_their_indices(client, uploaded, name, split):
    spec, splits = uploaded[name]
    body = client.get(f"/datasets/{spec.id}/{split}?index=0,7,3").json
    assert body["count"] == spec.split(split).samples
    assert [image["index"] for image in body["images"]] == [0, 7, 3]
    for image in body["images"]:
        assert image["pixels"] == splits[split].samples[image["index"]].tolist()
        assert image["label"] == splits[split].labels[image["index"]]


def test_vectors_are_listed_as_numbers(client, uploaded):
    _, splits = uploaded["flowers"]
    vectors = client.get("/datasets/flowers/train?index=2,1").json["vectors"]
    assert [vector["values"] for vector in vectors] == splits["train"].samples[[2, 1]].tolist()


def test_samples_are_listed_a_page_at_a_time(client, uploaded):
    _, splits = uploaded["tiny"]
    url = "/datasets/tiny/train"
    assert [one["index"] for one in client.get(url).json["images"]] == list(range(20))
    page = client.get(f"{url}?offset=25&limit=10&values=false").json
    assert page["count"] == 30
    assert page["images"] == [
        {"index": n, "label": splits["train"].labels[n]} for n in range(25, 30)
    ]
    page = client.get(f"{url}?label=1&offset=1&limit=2").json
    assert page["count"] == 10
    assert [one["index"] for one in page["images"]] == [4, 7]
    assert client.get(f"{url}?offset=1000").json["images"] == []


def test_samples_of_mnist_are_where_they_were(client, backend):
    [image] = client.get("/datasets/mnist/test?index=9999").json["images"]
    assert image["pixels"] == backend.dataset("mnist").samples[9999].tolist()
    assert client.get("/datasets/mnist/train?index=59999&values=false").json["images"] == [
        {"index": 59999, "label": 8}
    ]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("index=30", "/index"),
        ("index=" + "0," * 1000 + "0", "/index"),
        ("index=-1", "/index"),
        ("index=" + "9" * 30, "/index"),
        ("label=3", "/label"),
        ("offset=-1", "/offset"),
        ("limit=1001", "/limit"),
        ("split=test", "/split"),
    ],
)
def test_samples_that_do_not_exist_are_422(client, uploaded, query, pointer):
    body = check_problem(client.get(f"/datasets/tiny/train?{query}"), 422)
    assert pointers(body) == [pointer]


def test_a_response_has_a_bounded_number_of_values(client, backend):
    add_dataset(backend.datasets, "wide", (12_288,), classes=2, train=90, test=2)
    body = check_problem(client.get("/datasets/wide/train?limit=90"), 422)
    assert "at most 85 samples" in body["errors"][0]["detail"]
    assert len(client.get("/datasets/wide/train?limit=90&values=false").json["vectors"]) == 90
    assert client.get("/datasets/wide/train?limit=85").status_code == 200


@pytest.mark.parametrize("name", ["tiny", "colors"])
def test_an_image_is_a_png_of_its_pixels(client, uploaded, name):
    spec, splits = uploaded[name]
    answer = client.get(f"/datasets/{name}/train/5.png")
    np.testing.assert_array_equal(image_of(answer), splits["train"].samples[5])
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert client.get(f"/datasets/{spec.id}/train/5.png", headers=tag).status_code == 304
    assert client.get(f"/datasets/{spec.id}/test/5.png", headers=tag).status_code == 200


def test_images_that_do_not_exist_are_404(client, uploaded):
    assert "0 to 11" in check_problem(client.get("/datasets/tiny/test/12.png"), 404)["detail"]
    check_problem(client.get("/datasets/tiny/both/0.png"), 404)
    for path in ("test/0.png", "sheet.png", "means.png"):
        detail = check_problem(client.get(f"/datasets/flowers/{path}"), 404)["detail"]
        assert "consists of vectors" in detail


@pytest.mark.parametrize("name", ["tiny", "colors"])
def test_a_sheet_has_a_page_of_images(client, uploaded, name):
    spec, splits = uploaded[name]
    height, width = spec.shape[:2]
    url = f"/datasets/{name}/sheet.png?split=train&columns=4&rows=3&offset=20"
    answer = client.get(url)
    drawn = image_of(answer)
    assert drawn.shape == (3 * height, 4 * width, *spec.shape[2:])
    for place, index in enumerate(range(20, 30)):
        top, left = place // 4 * height, place % 4 * width
        cell = drawn[top : top + height, left : left + width]
        np.testing.assert_array_equal(cell, splits["train"].samples[index])
    assert not drawn[2 * height :, 2 * width :].any()  # only ten are left
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert client.get(url, headers=tag).status_code == 304
    of_class = image_of(client.get(f"/datasets/{name}/sheet.png?split=train&label=2&rows=1"))
    assert of_class.shape[:2] == (height, 12 * width)  # ten of this class, in one row of twelve
    np.testing.assert_array_equal(of_class[:, :width], splits["train"].samples[2])
    check_problem(client.get(f"/datasets/{name}/sheet.png?offset=12"), 404)


def test_a_sheet_is_of_bounded_size(client, backend):
    add_dataset(backend.datasets, "large", (128, 128, 3), classes=2, train=2, test=2)
    body = check_problem(client.get("/datasets/large/sheet.png?columns=64&rows=64"), 422)
    assert pointers(body) == ["/rows"]
    assert client.get("/datasets/large/sheet.png").status_code == 200


def test_the_system_counts_uploads(client, uploaded):
    state = client.get("/system").json
    assert [one["name"] for one in state["datasets"]] == list(DATASETS)
    assert state["storage"]["datasets"] == 3


def test_a_damaged_data_set_harms_no_other(client, backend, uploaded):
    spec, _ = uploaded["tiny"]
    [path] = (backend.settings.datasets_dir / spec.id).glob("*/train-samples.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()  # a new file, as no process changes a published one
    path.write_bytes(content)
    detail = check_problem(client.get("/datasets/tiny/train"), 503)["detail"]
    assert f"the train files of {spec.id} differ" in detail
    assert client.get("/datasets/tiny/test").status_code == 200
    assert len(client.get("/datasets").json["datasets"]) == 5


def test_another_process_sees_a_new_and_a_deleted_data_set(client, backend):
    other = DatasetStore(backend.settings.datasets_dir, backend.settings.data_dir)
    spec, _ = add_dataset(other, "new", (2,))
    assert client.get("/datasets/new/test").status_code == 200
    other.delete(spec.id)
    for path in ("", "/test", "/summary"):
        check_problem(client.get(f"/datasets/{spec.id}{path}"), 404)
