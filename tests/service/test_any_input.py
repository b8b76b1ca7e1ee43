"""Any input gets a response that the OpenAPI document describes. Hypothesis draws the inputs."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from service.app import create_app
from service.backend import Backend
from service.settings import ServiceSettings
from tests.problems import check_problem, check_refusal
from tests.processes import stack_in
from tests.service.conftest import publish

pytestmark = pytest.mark.server

some = settings(max_examples=50)
few = settings(some, max_examples=25)

MAGIC = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF", b"II*\0",
         b"\x93NUMPY\x01\0", b"PK\3\4", b"0,1\n", b"--x\r\n", b'{"images": ')  # fmt: skip
CONTENT_TYPES = ("", "image/png", "image/jpeg", "image/gif", "image/bmp", "image/webp",
                 "image/tiff", "application/json", "application/x-npy", "application/x-npz",
                 "text/csv", "application/xml",
                 "multipart/form-data; boundary=x", "multipart/form-data")  # fmt: skip
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "invert": st.sampled_from(["auto", "always", "never", "?"]),
        "fit": st.sampled_from(["none", "mnist", "?"]),
        "scale": st.sampled_from(["unit", "raw", "?"]),
        "explain": st.sampled_from(["true", "false", "?"]),
        "top": st.integers(-1, 11),
        "model": st.sampled_from(["latest", "no such"]) | st.text(max_size=8),
    },
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
# The modes that Pillow can write in each format, and the number of 8-bit channels of each mode.
FORMATS = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("1", "L", "P", "RGB"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB"),
    "TIFF": ("1", "L", "LA", "RGB", "RGBA", "CMYK", "I;16"),
}
CHANNELS = {"LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The API with a model and Redis."""
    with stack_in(tmp_path_factory.mktemp("any")) as stack:
        stack.start_redis()
        app = create_app(ServiceSettings(**{**stack.settings().model_dump(), "queue_limit": 5}))
        backend: Backend = app.extensions["stepbox"]
        publish(backend)
        yield app
        backend.jobs.redis.close()


def check(app, method, path, answer):
    """Check that the document lists the status of a response, and that an error is a problem."""
    documented = app.extensions["openapi"]["paths"][path][method]["responses"]
    assert str(answer.status_code) in documented, answer.text
    assert answer.status_code < 500
    if answer.status_code >= 400:
        check_refusal(answer, answer.status_code, path)


@some
@given(
    magic=st.sampled_from(MAGIC),
    rest=st.binary(max_size=300),
    content_type=st.sampled_from(CONTENT_TYPES) | st.text(st.characters(codec="ascii")),
    accept=st.sampled_from(["", "*/*", "application/x-npy", "text/html"]),
    query=OPTIONS,
)
def test_any_body_for_a_prediction(app, magic, rest, content_type, accept, query):
    headers = {"Content-Type": content_type.translate(dict.fromkeys(range(32))), "Accept": accept}
    answer = app.test_client().post(
        "/predict", data=magic + rest, headers=headers, query_string=query
    )
    check(app, "post", "/predict", answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/train"),
        ("put", "/aliases/{name}"),
        ("post", "/predict"),
        ("post", "/analysis/box"),
        ("post", "/analysis/box-approximation"),
        ("post", "/analysis/gradient-check"),
        ("post", "/analysis/regression"),
        ("post", "/analysis/softmax-jacobian"),
        ("post", "/v1/models/{ref}:predict"),
        ("post", "/v2/repository/index"),
        ("post", "/v2/models/{ref}/infer"),
    ],
)
def test_any_json(app, method, path):
    document = app.extensions["openapi"]
    body = document["paths"][path][method]["requestBody"]["content"]["application/json"]
    schema = body["schema"].get("$ref", "").rpartition("/")[2]
    fields = list(document["components"]["schemas"].get(schema, {}).get("properties", {})) or ["x"]
    bodies = JSON_VALUES | st.dictionaries(st.sampled_from(fields), JSON_VALUES)

    @few
    @given(bodies)
    def send(value):
        answer = app.test_client().open(
            path.format(name="some", ref="latest"),
            method=method,
            data=json.dumps(value),
            content_type="application/json",
        )
        check(app, method, path, answer)

    send()


@st.composite
def images(draw):
    """Draw the bytes of an image of noise, and its format."""
    form = draw(st.sampled_from(list(FORMATS)))
    mode = draw(st.sampled_from(FORMATS[form]))
    size = width, height = draw(st.tuples(st.integers(1, 60), st.integers(1, 60)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    if mode == "I;16":
        image = Image.fromarray(rng.integers(0, 2**16, (height, width), np.uint16))
    else:
        channels = CHANNELS.get(mode, 1)
        noise = rng.integers(0, 256, (height, width, channels), np.uint8)
        base = mode if mode in CHANNELS else "L"
        image = Image.frombytes(base, size, noise.tobytes()).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue(), form


@some
@given(image=images(), query=OPTIONS)
def test_any_image(app, image, query):
    data, form = image
    query = {name: value for name, value in query.items() if name in ("invert", "fit")}
    answer = app.test_client().post(
        "/predict", data=data, content_type=f"image/{form.lower()}", query_string=query
    )
    if answer.status_code == 422:
        check_problem(answer, 422)
    else:
        assert answer.status_code == 200, answer.text
        (prediction,) = answer.json["predictions"]
        assert abs(sum(prediction["probabilities"]) - 1) < 1e-6
        assert min(prediction["probabilities"]) >= 0
