"""The formats of images that /predict reads, and what it says about bodies that it rejects."""

import base64
import gzip
import io
import json
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from service.api.readers.images import MOST_IMAGES
from service.bodies.bounds import is_compressed, may_hold_files
from tests.problems import check_problem, pointers

NPY, NPZ, CSV = "application/x-npy", "application/x-npz", "text/csv"
JSON = "application/json"


@pytest.fixture
def images(backend):
    return backend.dataset("mnist").samples[:3]


@pytest.fixture
def wanted(client, model, images):
    """The logits of the images, sent as .npy."""
    return logits(client.post("/predict", data=npy(images), content_type=NPY))


def logits(answer):
    assert answer.status_code == 200, answer.text
    return np.array([one["logits"] for one in answer.json["predictions"]])


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(save=np.savez, **arrays):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def text(pixels):
    return base64.b64encode(png(pixels)).decode()


def data_url(pixels):
    return f"data:image/png;base64,{text(pixels)}"


def csv(rows, header=None):
    lines = [",".join(map(str, row)) for row in rows]
    return "\n".join([*([",".join(header)] if header else []), *lines]).encode()


def names(first=0, label="label"):
    return [*([label] if label else []), *(f"pixel{first + i}" for i in range(784))]


def fault(answer, pointer):
    """Return the text of the only fault, which must have this pointer."""
    problem = check_problem(answer, 422)
    assert pointers(problem) == [pointer]
    return problem["errors"][0]["detail"]


# -- forms of JSON ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        lambda images: images.reshape(-1, 784).tolist(),
        lambda images: images[..., None].tolist(),
        lambda images: images.astype(float).tolist(),
        lambda images: [text(image) for image in images],
        lambda images: [data_url(image) for image in images],
        lambda images: [base64.encodebytes(png(image)).decode() for image in images],
        lambda images: [base64.urlsafe_b64encode(png(image)).decode() for image in images],
    ],
    ids=["rows", "channels", "floats", "base64", "data URLs", "lines", "url-safe"],
)
def test_all_forms_of_json_images_are_read(client, wanted, images, form):
    answer = client.post("/predict", json={"images": form(images)})
    np.testing.assert_allclose(logits(answer), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    "form",
    [
        lambda image: image.tolist(),
        lambda image: image.ravel().tolist(),
        lambda image: image[..., None].tolist(),
        text,
        data_url,
    ],
    ids=["28x28", "784", "28x28x1", "base64", "data URL"],
)
def test_an_image_alone_is_read(client, wanted, images, form):
    answer = client.post("/predict", json={"images": form(images[0])})
    np.testing.assert_allclose(logits(answer), wanted[:1], rtol=1e-12)


@pytest.mark.parametrize(("count", "form"), [(260, (-1, 784)), (150, (-1, 28, 28, 1))])
def test_many_images_are_read_in_each_form(client, backend, model, count, form):
    """So many are parsed image by image, also if there is another member."""
    images = backend.dataset("mnist").samples[:count]
    body = {"scale": "raw", "images": images.reshape(form).tolist()}
    assert len(logits(client.post("/predict", json=body))) == count
    wrong = np.array(images, int).reshape(form)
    wrong[count - 1, -1] = 256
    body["images"] = wrong.tolist()
    (found,) = pointers(check_problem(client.post("/predict", json=body), 422))
    assert found.startswith(f"/images/{count - 1}/")


def test_a_list_named_images_elsewhere_is_not_read(client, model, images):
    body = {"more": {"images": images.tolist()}}
    found = pointers(check_problem(client.post("/predict", json=body), 422))
    assert found == ["/more", "/images"]


@pytest.mark.parametrize(
    ("value", "pointer", "words"),
    [
        ([[0] * 28] * 27, "/images", "has the shape (27, 28)"),
        ([[[0] * 27] * 28] * 2, "/images", "has the shape (2, 28, 27)"),
        ([0] * 783, "/images", "has the shape (783,)"),
        ([[[[[0]]]]] * 5, "/images", "has the shape (5, 1, 1, 1, 1)"),
        (7, "/images", "must be an image or a list"),
        (None, "/images", "must be an image or a list"),
        ([], "/images", "has 0 images"),
        ([None], "/images", "has the shape (1,)"),
        ([[0] * 28] * 27 + [[0] * 27], "/images/27", "a list of 28 numbers, not 27"),
        (["seven.png"], "/images/0", "must be an image file in base64"),
        (["data:image/png,seven"], "/images/0", "no ;base64"),
        (["AAAA"], "/images/0", "is not an image"),
        ("", "/images", "is not an image"),
        (["iVBORw0KGgo", 7], "/images/0", "Incorrect padding"),
        ([{"b64": "AAAA", "more": 1}], "/images/0/b64", "must be a text"),
        (["AAAA"] * (MOST_IMAGES + 1), "/images", "has 10,001 images"),
    ],
)
def test_a_wrong_form_is_one_fault_that_says_what_was_received(
    client, model, value, pointer, words
):
    assert words in fault(client.post("/predict", json={"images": value}), pointer)


def test_files_and_numbers_cannot_be_mixed(client, model, images):
    body = {"images": [text(images[0]), images[1].tolist()]}
    assert "base64" in fault(client.post("/predict", json=body), "/images/1")


def test_texts_of_very_different_lengths_are_read_one_by_one(client, model):
    """NumPy would make all of them as long as the longest, which takes 32 GB here."""
    answer = client.post("/predict", json={"images": ["A" * 900_000] + [""] * 9_000})
    assert "is not an image" in fault(answer, "/images/0")


def test_all_faults_of_a_body_are_named(client, model):
    body = {"images": [], "scale": "byte", "Scale": "unit"}
    found = pointers(check_problem(client.post("/predict", json=body), 422))
    assert sorted(found) == ["/Scale", "/images", "/scale"]


# -- the scale of numbers ---------------------------------------------------------------------

SCALED = [
    (JSON, lambda array: json.dumps({"images": array.tolist()}), "/images"),
    (NPY, npy, ""),
    (NPZ, lambda array: npz(images=array), ""),
    (CSV, lambda array: csv(array.reshape(-1, 784).tolist()), ""),
]


@pytest.mark.parametrize(("kind", "encode", "pointer"), SCALED)
@pytest.mark.parametrize(
    "number", [np.float64, np.float32, lambda levels: (levels > 0.5).astype(np.uint8)]
)
def test_numbers_up_to_1_need_a_scale(client, model, images, kind, encode, pointer, number):
    unit = number(images / 255)
    data = encode(unit)
    words = fault(client.post("/predict", data=data, content_type=kind), pointer)
    assert '"scale": "unit"' in words
    for scale, levels in (("unit", unit.astype(np.float64) * 255), ("raw", unit)):
        answer = client.post(f"/predict?scale={scale}", data=data, content_type=kind)
        expected = client.post("/predict?scale=raw", data=npy(levels), content_type=NPY)
        np.testing.assert_allclose(logits(answer), logits(expected), rtol=1e-6)


@pytest.mark.parametrize(("kind", "encode", "pointer"), SCALED)
def test_an_empty_image_needs_no_scale(client, model, kind, encode, pointer):
    for zeros in (np.zeros((1, 28, 28), np.uint8), np.zeros((1, 28, 28))):
        logits(client.post("/predict", data=encode(zeros), content_type=kind))


def test_the_scale_can_be_in_the_json(client, wanted, images):
    body = {"images": (images / 255).tolist(), "scale": "unit"}
    np.testing.assert_allclose(logits(client.post("/predict", json=body)), wanted, rtol=1e-6)
    answer = client.post("/predict?scale=raw", json=body)
    assert "differs" in fault(answer, "/scale")


@pytest.mark.parametrize(("kind", "encode", "pointer"), SCALED[1:])
def test_numbers_out_of_range_name_the_image(client, model, images, kind, encode, pointer):
    wrong = images.astype(np.float64)
    for value in (256, -1, np.inf, np.nan):
        wrong[1, 2, 3] = value
        answer = client.post("/predict", data=encode(wrong), content_type=kind)
        assert "numbers from 0 to 255" in fault(answer, pointer)
    answer = client.post("/predict?scale=unit", data=encode(images), content_type=kind)
    assert "numbers from 0 to 1, but image 0" in fault(answer, pointer)


def test_a_scale_is_not_for_files(client, model, images):
    for kind, data in (
        ("image/png", png(images[0])),
        (JSON, json.dumps({"images": text(images[0])})),
    ):
        answer = client.post("/predict?scale=unit", data=data, content_type=kind)
        assert "not for image files" in fault(answer, "/scale")


# -- arrays -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", "<i2", ">u2", "i8", "<f2", ">f4", "f8"])
@pytest.mark.parametrize("shape", [(-1, 28, 28), (-1, 784), (-1, 28, 28, 1)])
def test_arrays_of_any_type_are_read(client, wanted, images, dtype, shape):
    array = np.asfortranarray(images.astype(dtype).reshape(shape))
    for kind, data in ((NPY, npy(array)), (NPZ, npz(np.savez_compressed, images=array))):
        answer = client.post("/predict", data=data, content_type=kind)
        np.testing.assert_allclose(logits(answer), wanted, rtol=1e-12)
    answer = client.post("/predict", data=npy(array[0]), content_type=NPY)
    np.testing.assert_allclose(logits(answer), wanted[:1], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["c8", "S3", "M8[s]", [("x", "u1")]])
def test_arrays_of_something_else_are_rejected(client, model, dtype):
    data = npy(np.zeros((1, 28, 28), dtype))
    answer = client.post("/predict", data=data, content_type=NPY)
    assert "integers or floats" in fault(answer, "")


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (0x" + "f" * 5000 + ", 28, 28)}",
        "{'descr': (), 'fortran_order': False, 'shape': (1, 28, 28)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': ((((",
        "{[]: 1}",
        "{1: 2, 'a': 3}",
        "-" * 3000 + "1",
    ],
    ids=lambda header: header[:16],
)
def test_headers_that_numpy_cannot_read_are_rejected(client, model, header):
    data = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + bytes(784)
    answer = client.post("/predict", data=data, content_type=NPY)
    assert "is not a .npy array" in fault(answer, "")


@pytest.mark.parametrize("arrays", [["any"], ["images", "labels"], ["x_test", "y_test", "x_train"]])
@pytest.mark.parametrize("kind", [NPZ, "application/zip"])
def test_the_array_of_an_npz_file_is_found(client, wanted, images, arrays, kind):
    data = npz(**dict.fromkeys(arrays, np.zeros(3)) | {arrays[0]: images})
    assert np.array_equal(logits(client.post("/predict", data=data, content_type=kind)), wanted)


def zip_of(method, **files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, data in files.items():
            file.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def test_wrong_npz_files_are_rejected(client, model, images):
    intact = npz(images=images)
    bomb = zip_of(zipfile.ZIP_DEFLATED, images=bytes(2**27))
    size = bomb.index(b"PK\1\2") + 24  # where the directory gives the decompressed size
    lying = bomb[:size] + (784).to_bytes(4, "little") + bomb[size + 4 :]
    entry = intact.index(b"PK\1\2")
    future, patched = bytearray(intact), bytearray(intact)
    future[entry + 6] = 64  # the version of the format that is needed to read the file
    patched[entry + 8] = 0x20  # a flag of a feature that `zipfile` does not know
    for data, words in (
        (npz(a=images, b=images), "it holds a, b"),
        (npz(images=images, x_test=images), "it holds images, x_test"),
        (npz(images=np.array([{}])), "integers or floats"),
        (npz(), "it holds none"),
        (intact[:-30], "is not a .npz file"),
        (intact.replace(images.tobytes()[:700], bytes(700)), "is not a .npz file"),
        (b"PK\3\4", "is not a .npz file"),
        (bytes(future), "is not a .npz file"),
        (bytes(patched), "is not a .npz file"),
        (bomb, "at most 33,554,432 bytes"),
        (lying, "is not a .npz file"),
        (zip_of(zipfile.ZIP_LZMA, images=npy(images)), "deflate"),
        (zip_of(zipfile.ZIP_STORED, **{f"a{i}": b"" for i in range(101)}), "at most 100 arrays"),
    ):
        answer = client.post("/predict", data=data, content_type=NPZ)
        assert words in fault(answer, "")


# -- CSV --------------------------------------------------------------------------------------

GRID = [f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)]


@pytest.mark.parametrize(
    ("header", "label"),
    [
        (None, None),
        (None, 0),
        (names(label=None), None),
        (names(), 0),
        (names(first=1), 0),
        (["label", *GRID], 0),
        ([*names(label=None), "Label"], 784),
        ([f'"{name}"' for name in names()], 0),
    ],
)
def test_kaggles_columns_are_read(client, wanted, images, header, label):
    rows = images.reshape(-1, 784)
    if label is not None:
        rows = np.insert(rows, label, 7, axis=1)
    data = csv(rows.tolist(), header)
    for body in (data, data.replace(b"\n", b"\r\n") + b"\r\n", b"\xef\xbb\xbf" + data):
        answer = client.post("/predict", data=body, content_type="text/csv; charset=utf-8")
        assert np.array_equal(logits(answer), wanted)


def test_rows_of_integers_and_of_floats_are_read_together(client, wanted, images):
    rows = images.reshape(-1, 784).tolist()
    rows[1] = [float(level) for level in rows[1]]
    answer = client.post("/predict", data=csv(rows), content_type=CSV)
    assert np.array_equal(logits(answer), wanted)


def test_numbers_that_are_not_json_are_read_from_csv(client, wanted, images):
    rows = [[f" 0{level}." for level in row] for row in images.reshape(-1, 784)]
    answer = client.post("/predict", data=csv(rows), content_type=CSV)
    assert np.array_equal(logits(answer), wanted)


def test_wrong_csv_is_rejected(client, model):
    row = [0] * 784
    for data, words in (
        (b"", "has 1 columns"),
        (csv([row[1:]]), "has 783 columns"),
        (csv([row]).replace(b",", b";"), "separated by commas"),
        (csv([row, row[1:]]), "has 783 columns in line 2, but 784"),
        (csv([[*row, 7]], [*names(label=None), "class"]), "must have the columns pixel0"),
        (csv([row], names(label=None)[::-1]), "must have the columns pixel0"),
        (csv([], names()), "has 0 images"),
        (csv([[5, *row[1:], "x"]]), "'x' in line 1, column 785"),
        (csv([[5, *row[1:], 256]]), "'256' in line 1, column 785"),
        (csv([row, [*row[1:], ""]], names(label=None)), "'' in line 3, column 784"),
        (csv([[*row[1:], "1_0"]]), "'1_0' in line 1"),
        (csv([[*row[1:], "true"]]), "'true' in line 1"),
        (csv([["nan", *row[1:]]] * 2), "must have"),
        (b"\n" * 10_002, "has too many rows"),
    ):
        answer = client.post("/predict", data=data, content_type=CSV)
        assert words in fault(answer, "")


# -- compressed bodies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)],
)
def test_compressed_bodies_are_read(client, wanted, images, encoding, compress):
    headers = {"Content-Encoding": encoding}
    for kind, data in (
        (NPY, npy(images)),
        (JSON, json.dumps({"images": images.tolist()}).encode()),
        (CSV, csv(images.reshape(-1, 784).tolist())),
    ):
        answer = client.post("/predict", data=compress(data), content_type=kind, headers=headers)
        assert np.array_equal(logits(answer), wanted)
        for wrong, status in (
            (data, 400),
            (compress(data)[:-1], 400),
            (compress(bytes(2**21)), 413),
        ):
            answer = client.post("/predict", data=wrong, content_type=kind, headers=headers)
            check_problem(answer, status)
    answer = client.post("/predict", data=b"", content_type=NPY, headers={"Content-Encoding": "br"})
    assert "gzip" in check_problem(answer, 415)["detail"]


@pytest.mark.parametrize(
    ("headers", "body", "files", "compressed"),
    [
        ({b"content-type": b"image/png"}, b"", True, False),
        ({b"content-type": b"Image/PNG"}, b"", True, False),
        ({b"content-type": b"multipart/form-data; boundary=x"}, b"", True, False),
        ({}, json.dumps({"images": [[[0, 255]]], "scale": "unit"}).encode(), False, False),
        ({}, json.dumps({"images": "A" * 40}).encode(), True, False),
        ({}, json.dumps({"images": ["data:image/png;base64," + "A" * 40]}).encode(), True, False),
        ({}, json.dumps({"instances": [{"b64": "A" * 40}]}).encode(), True, False),
        ({}, b'{"inputs": [{"datatype": "BYTES"}]}', True, False),
        ({}, json.dumps({"images": [""] * 20}).encode(), True, False),
        ({b"content-encoding": b"gzip"}, b"", True, True),
        ({b"content-type": NPZ.encode()}, b"", True, True),
        ({b"content-type": NPZ.upper().encode()}, b"", True, True),
    ],
)
def test_bodies_that_may_hold_files_are_recognized(headers, body, files, compressed):
    assert may_hold_files(headers, body) is files
    assert is_compressed(headers) is compressed


# -- content types ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Application/X-NPY", "application/x-npy ; Version=1"])
def test_a_content_type_may_have_capitals_and_parameters(client, wanted, images, kind):
    answer = client.post("/predict", data=npy(images), content_type=kind)
    assert np.array_equal(logits(answer), wanted)


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "data", "status", "words"),
    [
        (FORM, b'{"images": []}', 415, f"looks like application/json, but is sent as '{FORM}'"),
        (FORM, b"\x89PNG", 415, "'Content-Type: image/png'"),
        ("", b"\xff\xd8\xff", 415, "'Content-Type: image/jpeg'"),
        (FORM, b"\x93NUMPY", 415, f"'Content-Type: {NPY}'"),
        (FORM, b"image=seven.png", 415, "--data-binary @FILE"),
        ("text/plain", b"0,0", 415, "text/csv"),
        (JSON, b"\x89PNG", 400, "'Content-Type: image/png'"),
        (JSON, b"\x93NUMPY", 400, f"'Content-Type: {NPY}'"),
        ("image/png", b'{"images": []}', 422, "'Content-Type: application/json'"),
        (NPY, b"PK\3\4", 422, f"'Content-Type: {NPZ}'"),
        (CSV, b'\n{"images": []}', 422, "'Content-Type: application/json'"),
        ("multipart/form-data", b"GIF89a", 400, "'Content-Type: image/gif'"),
    ],
)
def test_a_body_of_another_type_says_which_header_to_add(client, model, kind, data, status, words):
    problem = check_problem(client.post("/predict", data=data, content_type=kind), status)
    assert words in json.dumps(problem)


def test_a_form_field_that_is_a_path_says_that_the_at_sign_is_missing(client, model):
    answer = client.post(
        "/predict", data={"image": "seven.png"}, content_type="multipart/form-data"
    )
    assert "-F image=@FILE" in fault(answer, "/image/0")
