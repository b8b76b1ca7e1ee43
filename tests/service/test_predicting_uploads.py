"""Predictions of models of uploaded data sets: any size, color, vectors, any number of classes."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from stepbox.images.convert import convert_pixels
from stepbox.nn.losses import softmax
from stepbox.run import Model
from tests.datasets import add_dataset
from tests.problems import check_problem, pointers
from tests.service.conftest import publish_on

NPY, NPZ, CSV = "application/x-npy", "application/x-npz", "text/csv"
SHAPES = {"grey": ((8, 8), 3), "rgb": ((32, 32, 3), 12), "iris": ((4,), 3), "many": ((5, 9), 1000)}
COLUMNS = ("sepal length", "sepal, width", "petal length", "petal width")


class Uploaded:
    """A model, and what it must answer."""

    def __init__(self, backend, name):
        shape, classes = SHAPES[name]
        fields = {"columns": COLUMNS} if name == "iris" else {"background": "light"}
        self.spec, self.splits = add_dataset(
            backend.datasets, name, shape, classes=classes, train=classes, test=classes, **fields
        )
        self.id, self.network = publish_on(backend, self.spec, self.splits)
        self.samples = self.splits["test"].samples[:3]
        self.name = "inputs" if name == "iris" else "images"

    def logits(self, samples):
        flat = np.asarray(samples).reshape(len(samples), -1)
        return self.network.logits(flat if self.name == "inputs" else flat / 255)

    def check(self, answer, samples=None):
        assert answer.status_code == 200, answer.text
        expected = self.logits(self.samples if samples is None else samples)
        found = [one["logits"] for one in answer.json["predictions"]]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        return answer.json["predictions"]


@pytest.fixture(params=SHAPES)
def uploaded(backend, request):
    return Uploaded(backend, request.param)


@pytest.fixture
def grey(backend):
    return Uploaded(backend, "grey")


@pytest.fixture
def rgb(backend):
    return Uploaded(backend, "rgb")


@pytest.fixture
def iris(backend):
    return Uploaded(backend, "iris")


def saved(save, *arrays, **named):
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def rows(samples, header=()):
    lines = [",".join(map(repr, row)) for row in samples.reshape(len(samples), -1).tolist()]
    return "\n".join([*header, *lines]).encode()


def fault(answer, pointer):
    problem = check_problem(answer, 422)
    assert pointers(problem) == [pointer]
    return problem["errors"][0]["detail"]


def test_numbers_are_read_in_every_format(client, uploaded):
    samples, name = uploaded.samples, uploaded.name
    flat = samples.reshape(len(samples), -1)
    for array in (samples, flat, samples.astype(float)):
        uploaded.check(client.post("/predict", json={name: array.tolist()}))
        body = saved(np.save, array)
        uploaded.check(client.post("/predict", data=body, content_type=NPY))
    several = saved(np.savez, other=np.zeros(3), **{name: samples})
    uploaded.check(client.post("/predict", data=several, content_type=NPZ))
    uploaded.check(client.post("/predict", data=rows(samples), content_type=CSV))
    for one in (samples[0], flat[0]):
        uploaded.check(client.post("/predict", json={name: one.tolist()}), samples[:1])
    if len(uploaded.spec.shape) == 2:
        uploaded.check(client.post("/predict", json={name: samples[..., None].tolist()}))


def test_answers_have_all_classes(client, uploaded):
    body = {uploaded.name: uploaded.samples.tolist()}
    count = len(uploaded.spec.classes)
    answer = client.post("/predict", json=body).json
    assert answer["classes"] == list(uploaded.spec.classes)
    assert len(answer["predictions"][0]["probabilities"]) == count
    top = client.post(f"/predict?top={count}", json=body).json["predictions"][0]["top"]
    probabilities = softmax(uploaded.logits(uploaded.samples))[0]
    assert [one["index"] for one in top] == np.argsort(-probabilities, kind="stable").tolist()
    assert pointers(check_problem(client.post(f"/predict?top={count + 1}", json=body), 422)) == [
        "/top"
    ]
    binary = client.post("/predict", json=body, headers={"Accept": NPY})
    assert np.load(io.BytesIO(binary.data)).shape == (3, count)


def test_explanations_have_the_shape_of_the_data(client, uploaded):
    body = {uploaded.name: uploaded.samples.tolist()}
    answer = client.post("/predict?explain=1&activations=1", json=body).json
    assert answer.get("columns") == (list(COLUMNS) if uploaded.name == "inputs" else None)
    for one, sample in zip(answer["predictions"], uploaded.samples, strict=True):
        assert one["seen"] == sample.tolist()
        assert np.shape(one["gradient"]) == uploaded.spec.shape
        assert ("fit" in one) == (uploaded.name == "images")
        assert one["layers"][-1]["activations"] == pytest.approx(one["logits"])
        pixel = np.unravel_index(np.argmax(np.abs(one["gradient"])), uploaded.spec.shape)
        step = 1e-4 * (1 if uploaded.name == "inputs" else 255)
        moved = sample.astype(float)
        moved[pixel] += step
        slope = (uploaded.logits(moved[None]) - uploaded.logits(sample[None]))[0, one["index"]]
        assert slope / 1e-4 == pytest.approx(np.array(one["gradient"])[pixel], rel=0.01)


def test_a_neuron_is_switched_off(client, uploaded):
    body = {uploaded.name: uploaded.samples.tolist()}
    answer = client.post("/predict?off=1.0", json=body).json
    assert answer["off"] == ["1.0"]
    expected = uploaded.network.without([(0, 0)]).logits(
        uploaded.samples.reshape(3, -1) / (1 if uploaded.name == "inputs" else 255)
    )
    assert [one["logits"] for one in answer["predictions"]] == pytest.approx(expected)


def test_the_protocols_take_the_same_samples(client, uploaded):
    samples, spec = uploaded.samples, uploaded.spec
    answer = client.post(f"/v1/models/{uploaded.id}:predict", json={"instances": samples.tolist()})
    expected = softmax(uploaded.logits(samples))
    np.testing.assert_allclose(answer.json["predictions"], expected)
    about = client.get(f"/v2/models/{uploaded.id}").json
    (tensor,) = about["inputs"]
    assert tensor == {
        "name": uploaded.name,
        "datatype": "UINT8" if uploaded.name == "images" else "FP64",
        "shape": [-1, *spec.shape],
    }
    assert [one["shape"] for one in about["outputs"]] == [[-1, len(spec.classes)]] * 2
    for datatype in (tensor["datatype"], "FP32"):
        sent = {**tensor, "datatype": datatype, "shape": [3, *spec.shape]}
        body = {"inputs": [{**sent, "data": samples.ravel().tolist()}]}
        output = client.post(f"/v2/models/{uploaded.id}/infer", json=body).json["outputs"][0]
        assert output["shape"] == [3, len(spec.classes)]
        np.testing.assert_allclose(output["data"], expected.ravel(), rtol=1e-5)
    other = {"images": "inputs", "inputs": "images"}[uploaded.name]
    for change in ({"name": other}, {"shape": [3, 2]}, {"datatype": "BYTES", "shape": [3, 1, 1]}):
        wrong = {**tensor, "shape": [3, *spec.shape], **change, "data": [0]}
        answer = client.post(f"/v2/models/{uploaded.id}/infer", json={"inputs": [wrong]})
        assert answer.status_code == 422
        assert f"/inputs/0/{'shape' if 'shape' in change else 'name'}" in answer.text or (
            uploaded.name == "inputs" and "/inputs/0/datatype" in answer.text
        )


def test_samples_are_analyzed_in_their_own_shape(client, uploaded):
    field = uploaded.name.removesuffix("s")
    sample = uploaded.samples[1]
    body = {"model": uploaded.id, field: sample.tolist()}
    own = client.post("/analysis/gradient-check", json={**body, "label": 1}).json
    assert own["image"] is None
    assert own["loss"] == pytest.approx(-np.log(softmax(uploaded.logits(sample[None]))[0, 1]))
    first = client.post("/analysis/gradient-check", json={"model": uploaded.id}).json
    assert (first["image"], first["label"]) == (0, 0)
    points = client.post("/analysis/projection", json={**body, "layer": 1}).json["after"]
    assert points["image"] == pytest.approx(points["points"][1], rel=1e-3, abs=1e-3)
    other = {"image": "input", "input": "image"}[field]
    for path in ("gradient-check", "projection"):
        label = {"label": 1} if path == "gradient-check" else {}
        wrong = {"model": uploaded.id, other: sample.tolist(), **label}
        assert "this model takes" in fault(
            client.post(f"/analysis/{path}", json=wrong), f"/{other}"
        )
        short = {**body, field: sample.tolist()[1:], **label}
        assert "this model takes" in fault(
            client.post(f"/analysis/{path}", json=short), f"/{field}"
        )
    beyond = {**body, "label": len(uploaded.spec.classes)}
    fault(client.post("/analysis/gradient-check", json=beyond), "/label")


def test_weights_of_the_first_layer_have_the_shape_of_the_data(client, uploaded):
    layer = client.get(f"/models/{uploaded.id}/first-layer?limit=2").json
    assert layer["columns"] == (list(COLUMNS) if uploaded.name == "inputs" else None)
    neuron = layer["neurons"][0]
    weights = uploaded.network.layers[0].arrays["weight"][neuron["neuron"]]
    np.testing.assert_allclose(
        neuron["after"], weights.reshape(uploaded.spec.shape), rtol=1e-3, atol=1e-12
    )
    picture = client.get(f"/models/{uploaded.id}/first-layer.png?limit=2")
    if uploaded.name == "inputs":
        assert "layer 0 takes vectors" in check_problem(picture, 404)["detail"]
    else:
        height, width, *channels = uploaded.spec.shape
        assert np.array(Image.open(io.BytesIO(picture.data))).shape == (
            height,
            2 * width,
            *channels,
        )


@pytest.mark.parametrize("name", ["grey", "rgb"])
def test_image_files_are_converted_as_the_data_set_was_made(client, backend, name):
    model = Uploaded(backend, name)
    side, color = model.spec.shape[0], "grey" if name == "grey" else "rgb"
    pixels = np.random.default_rng(1).integers(0, 256, (40, 70, 3), np.uint8)
    shades = np.asarray(Image.fromarray(pixels).convert("L"))
    for sent in (pixels, shades):
        # Files are decoded to grey before they are scaled, as `convert_image` does.
        source = shades if color == "grey" else sent
        made = convert_pixels(source, side, color)
        for body in (
            {"data": png(sent), "content_type": "image/png"},
            {"data": {"image": (io.BytesIO(png(sent)), "a.png")}},
            {"json": {"images": [base64.b64encode(png(sent)).decode()]}},
        ):
            (one,) = model.check(client.post("/predict", **body), [made])
            assert one["fit"]["box"] == [0, 0, 70, 40]
            assert one["fit"]["inverted"] is False
            assert np.shape(one["fit"]["ground"]) == (() if color == "grey" else (3,))
    exact = model.samples[0]
    (one,) = model.check(
        client.post("/predict", data=png(exact), content_type="image/png"), [exact]
    )
    assert "fit" not in one
    inverted = client.post("/predict?invert=always", json={"images": exact.tolist()})
    model.check(inverted, [255 - exact])
    answer = client.post("/predict?fit=mnist", data=png(pixels), content_type="image/png")
    assert "must be auto or none" in fault(answer, "/fit")


def test_columns_are_found_by_their_names(client, iris):
    first = dict(zip(COLUMNS, iris.samples[0].tolist(), strict=True))
    iris.check(client.post("/predict", json={"inputs": first}), iris.samples[:1])
    many = [dict(zip(COLUMNS, row, strict=True)) for row in iris.samples.tolist()]
    iris.check(client.post("/predict", json={"inputs": many}))
    order = [2, 0, 3, 1]
    header = ",".join(f'"{COLUMNS[i]}"' for i in order)
    body = rows(iris.samples[:, order], [header])
    iris.check(client.post("/predict", data=body, content_type=CSV))
    lines = rows(iris.samples).decode().splitlines()
    named = ",".join(["species", *(f'"{name}"' for name in COLUMNS)])
    labeled = "\n".join([named, *(f"setosa,{line}" for line in lines)])
    iris.check(client.post("/predict", data=labeled, content_type=CSV))


def test_wrong_vectors_are_rejected_in_words(client, iris):
    takes = "this model takes vectors of 4 numbers (sepal length"
    row = iris.samples[0].tolist()
    for body, pointer, words in (
        ({"inputs": [row, row[1:]]}, "/inputs/1", "must be a list of 4 numbers, not 3"),
        ({"inputs": [row[1:]]}, "/inputs", takes),
        ({"inputs": [[*row[1:], None]]}, "/inputs/0/3", "must be a number"),
        ({"inputs": [[*row[1:], True]]}, "/inputs/0/3", "must be a number"),
        ({"inputs": {"sepal length": 1}}, "/inputs", "lacks the column 'sepal, width'"),
        ({"inputs": {**dict.fromkeys(COLUMNS, 1), "x": 1}}, "/inputs", "has 'x' as well"),
        ({"inputs": 7}, "/inputs", "must be a vector or a list of vectors"),
        ({"inputs": "eA=="}, "/inputs", takes),
        ({"inputs": [row], "scale": "unit"}, "/scale", "is for images"),
    ):
        assert words in fault(client.post("/predict", json=body), pointer), body
    problem = check_problem(client.post("/predict", json={"images": [row]}), 422)
    assert pointers(problem) == ["/images", "/inputs"]
    assert takes in problem["errors"][0]["detail"]
    for number in (b"1e400", b"NaN", b"-Infinity"):
        data = b'{"inputs": [[1, 2, 3, %b]]}' % number
        answer = client.post("/predict", data=data, content_type="application/json")
        assert answer.status_code in (400, 422), number
    array = iris.samples.copy()
    array[1, 2] = np.nan
    answer = client.post("/predict", data=saved(np.save, array), content_type=NPY)
    assert "vector 1 has nan at position 2" in fault(answer, "")
    for data, words in (
        (rows(iris.samples[:, :3]), takes),
        (rows(iris.samples, ["a,b,c,d"]), "lacks the column 'sepal length'"),
        (b"1,2,3,nan", "has 'nan' in line 1, column 4"),
        (b"1,2,x,4", "has 'x' in line 1, column 3"),
    ):
        answer = client.post("/predict", data=data, content_type=CSV)
        assert words in fault(answer, ""), data
    files = client.post("/predict", data=png(np.zeros((4, 4), np.uint8)), content_type="image/png")
    assert takes in fault(files, "")
    form = client.post("/predict", data={"image": (io.BytesIO(b"x"), "a.png")})
    assert takes in fault(form, "/image")
    answer = client.post("/predict?invert=always", json={"inputs": row})
    assert "is for images" in fault(answer, "/invert")


@pytest.mark.parametrize(
    ("name", "takes"),
    [
        ("grey", "this model takes grey images of 8×8 pixels"),
        ("rgb", "this model takes RGB images of 32×32 pixels"),
    ],
)
def test_wrong_images_are_rejected_in_words(client, backend, name, takes):
    model = Uploaded(backend, name)
    for shape in ((28, 28), (2, 28, 28), (3, 9)):
        answer = client.post("/predict", json={"images": np.ones(shape, int).tolist()})
        assert takes in fault(answer, "/images")
        array = saved(np.save, np.ones(shape))
        assert takes in fault(client.post("/predict", data=array, content_type=NPY), "")
    answer = client.post("/predict", data=b"1,2,3", content_type=CSV)
    assert takes in fault(answer, "")
    problem = check_problem(client.post("/predict", json={"inputs": [[1, 2]]}), 422)
    assert takes in problem["errors"][0]["detail"]
    pixels = model.samples[:1].astype(int)
    pixels[(0,) * pixels.ndim] = 256
    answer = client.post("/predict", json={"images": pixels.tolist()})
    assert "0 to 255" in fault(answer, "/images/0" + "/0" * (pixels.ndim - 1))


def test_the_library_predicts_the_same(client, backend, uploaded):
    model = Model(backend.models.card(uploaded.id), uploaded.network)
    expected = softmax(uploaded.logits(uploaded.samples))[0]
    sample = uploaded.samples[0]
    np.testing.assert_allclose(model.predict(sample).probabilities, expected)
    if uploaded.name == "inputs":
        named = dict(zip(COLUMNS, sample.tolist(), strict=True))
        np.testing.assert_allclose(model.predict(named).probabilities, expected)
        np.testing.assert_allclose(model.predict(sample.tolist()).probabilities, expected)
    else:
        np.testing.assert_allclose(model.predict(png(sample)).probabilities, expected)
