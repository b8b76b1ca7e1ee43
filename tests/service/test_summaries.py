"""Summaries of data sets, and their mean images."""

import numpy as np
import pytest

from stepbox.analysis import dataset_summary
from stepbox.data.builtin import MNIST
from stepbox.data.dataset import split_sha256
from tests.datasets import add_dataset, make_dataset, stage
from tests.problems import check_problem, pointers
from tests.service.conftest import image_of


@pytest.mark.parametrize("name", ["tiny", "colors"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_images_have_a_mean_for_all_and_for_each_class(client, uploaded, name, split):
    spec, splits = uploaded[name]
    body = client.get(f"/datasets/{name}/summary?split={split}").json
    count = spec.split(split).samples
    assert (body["dataset"], body["split"]) == (spec.id, split)
    assert body["samples"] == body["read"] == count
    assert body["columns"] is None
    samples, labels = splits[split].samples, splits[split].labels
    np.testing.assert_array_equal(body["mean"], np.rint(samples.mean(axis=0)))
    for label, one in enumerate(body["classes"]):
        assert (one["label"], one["name"]) == (label, f"class {label}")
        assert (one["train"], one["test"], one["read"]) == (10, 4, count // 3)
        assert set(labels[one["samples"]]) == {label}
        assert len(set(one["samples"])) == min(6, count // 3)
        mean = samples[labels == label].mean(axis=0)
        np.testing.assert_array_equal(one["mean"], np.rint(mean))


def test_vectors_have_the_distribution_of_each_column(client, uploaded):
    spec, splits = uploaded["flowers"]
    body = client.get("/datasets/flowers/summary").json
    assert body["mean"] is None
    samples = splits["train"].samples
    for n, column in enumerate(body["columns"]):
        values = samples[:, n]
        assert column["name"] == spec.columns[n]
        assert column["mean"] == pytest.approx(values.mean())
        assert column["deviation"] == pytest.approx(values.std())
        assert (column["minimum"], column["maximum"]) == (values.min(), values.max())
        assert column["median"] == np.median(values)
        assert column["lower_quartile"] < column["median"] < column["upper_quartile"]
    of_class = samples[splits["train"].labels == 2].mean(axis=0)
    assert body["classes"][2]["mean"] == pytest.approx(of_class)


def test_samples_of_each_class_are_as_many_as_asked_for(client, uploaded):
    assert len(uploaded) == 3
    for wanted, found in ((0, 0), (2, 2), (24, 10)):
        body = client.get(f"/datasets/tiny/summary?samples={wanted}").json
        assert [len(one["samples"]) for one in body["classes"]] == [found] * 3
    check_problem(client.get("/datasets/tiny/summary?samples=25"), 422)
    body = check_problem(client.get("/datasets/tiny/summary?split=both"), 422)
    assert pointers(body) == ["/split"]


def test_the_summary_of_mnist_reads_a_third_of_it_and_says_so(client):
    body = client.get("/datasets/mnist/summary").json
    assert (body["samples"], body["read"]) == (60_000, 20_000)
    shares = [one["read"] * 3 - one["train"] for one in body["classes"]]
    assert max(map(abs, shares)) <= 3  # each class has its share
    assert [one["test"] for one in body["classes"]] == list(MNIST.test.per_class)
    assert client.get(f"/datasets/{MNIST.id}/summary").json == body


def test_a_summary_is_computed_once(client, uploaded, monkeypatch):
    first = client.get("/datasets/tiny/summary").json
    monkeypatch.setattr(dataset_summary, "MOST_READ", 1)
    assert client.get("/datasets/tiny/summary?samples=6").json == first
    assert client.get("/datasets/tiny/summary?split=test").json["read"] == 1


@pytest.mark.parametrize("name", ["tiny", "colors"])
def test_mean_images_are_side_by_side(client, uploaded, name):
    spec, _ = uploaded[name]
    height, width = spec.shape[:2]
    answer = client.get(f"/datasets/{name}/means.png?columns=2")
    drawn = image_of(answer)
    assert drawn.shape[:2] == (2 * height, 2 * width)
    classes = client.get(f"/datasets/{name}/summary").json["classes"]
    np.testing.assert_array_equal(drawn[:height, width:], classes[1]["mean"])
    np.testing.assert_array_equal(drawn[height:, :width], classes[2]["mean"])
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert client.get(f"/datasets/{name}/means.png?columns=2", headers=tag).status_code == 304


def test_a_thousand_classes_of_large_images_have_their_means_only_as_a_picture(client, backend):
    add_dataset(backend.datasets, "many", (64, 64, 3), classes=1000, train=1000, test=1000)
    body = client.get("/datasets/many/summary?samples=1").json
    assert [one["samples"] for one in body["classes"]] == [[n] for n in range(1000)]
    assert {one["mean"] is None for one in body["classes"]} == {True}
    assert image_of(client.get("/datasets/many/means.png?columns=40")).shape == (1600, 2560, 3)


def test_huge_numbers_have_a_summary(client, backend):
    spec, arrays = make_dataset("huge", (1,), train=4, test=4)
    for split in ("train", "test"):
        arrays[f"{split}-samples.npy"][:] = [[-1.7e308], [1.7e308], [1.7e308], [-1.7e308]]
        samples, labels = (arrays[f"{split}-{array}.npy"] for array in ("samples", "labels"))
        known = spec.split(split).model_copy(update={"sha256": split_sha256(samples, labels)})
        spec = spec.model_copy(update={split: known})
    backend.datasets.publish(stage(backend.datasets, spec, arrays))
    [column] = client.get("/datasets/huge/summary").json["columns"]
    assert (column["mean"], column["deviation"]) == (0, 1.7e308)
    assert column["median"] is None  # halfway between two numbers whose difference is infinite
