import re

import pytest
from openapi_spec_validator import validate

from service.app import create_app
from stepbox.allowed import instruction
from tests.problems import check_problem, check_refusal, pointers


def post_train(client, **body):
    return client.post("/train", json=body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/nowhere", 404),
        ("get", "/models/m-000000000000", 404),
        ("get", "/models/none-such", 404),
        ("get", "/models/latest/weights", 404),
        ("delete", "/models/m-000000000000", 404),
        ("delete", "/models/..%2F..%2Fetc", 404),
        ("delete", "/aliases/none-such", 404),
        ("get", "/datasets/letters/test?index=1", 404),
        ("get", "/datasets/mnist/test/10000.png", 404),
        ("delete", "/train", 405),
        ("get", "/predict", 405),
        ("get", "/jobs/some", 503),
        ("get", "/jobs", 503),
        ("post", "/jobs/some/cancel", 503),
        ("get", "/jobs/some/events", 503),
        ("get", "/readyz", 503),
        ("get", "/jobs?limit=0", 422),
        ("get", "/jobs?limit=many", 422),
        ("get", "/jobs?status=lost", 422),
        ("get", "/jobs?page=2", 422),
        ("get", "/datasets/mnist/both", 404),
        ("get", "/datasets/mnist/test?limit=1001", 422),
        ("get", "/datasets/mnist/test?index=10000", 422),
        ("get", "/datasets/mnist/test?index=1,", 422),
    ],
)
def test_every_error_is_a_problem(client, method, path, status):
    answer = getattr(client, method)(path)
    check_problem(answer, status)
    if status == 405:
        assert "OPTIONS" in answer.headers["Allow"]
    if status == 503:
        assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"{} {}", "Extra data"),
        (b"\xff", "decode"),
        (b'{"epochs": 1, "epochs": 2}', "twice"),
        (b"[" * 60_000, "deep"),
        (b"1" * 5000, "digits"),
        (b"[]", "object"),
        (b'"{}"', "object"),
        (b"null", "object"),
    ],
)
def test_a_body_that_is_not_a_json_object_is_400(client, data, reason):
    answer = client.post("/train", data=data, content_type="application/json")
    assert reason in check_problem(answer, 400)["detail"]


def test_another_content_type_is_415(client):
    check_problem(client.post("/train", data="recipe=mnist-numpy"), 415)
    check_problem(client.post("/train"), 415)
    check_problem(client.put("/aliases/best", data="{}", content_type="text/plain"), 415)


def test_a_body_over_the_limit_is_413(client):
    data = b'{"recipe": "' + b"x" * 2**20 + b'"}'
    check_problem(client.post("/train", data=data, content_type="application/json"), 413)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipe", "none-such"),
        ("recipe", None),
        ("recipe", ["mnist-numpy"]),
        ("engine", "jax"),
        ("dataset", "cifar-10"),
        ("activation", "gelu "),
        ("epochs", 0),
        ("epochs", 1001),
        ("epochs", 1.5),
        ("epochs", "3"),
        ("epochs", True),
        ("learning_rate", 0),
        ("learning_rate", -0.1),
        ("learning_rate", 10.5),
        ("learning_rate", "0.1"),
        ("batch_size", 0),
        ("batch_size", 10_001),
        ("seed", -1),
        ("seed", 2**32),
        ("shuffle", 1),
        ("hidden_sizes", [1] * 9),
        ("hidden_sizes", "32"),
        ("pixel_scale", "half"),
        ("gradient", "wrong"),
        ("nonsense", 1),
        ("name", "mnist-numpy"),
    ],
)
def test_each_field_is_validated(client, field, value):
    body = check_problem(post_train(client, **{field: value}), 422)
    assert pointers(body) == [f"/{field}"]


def test_json_with_too_many_objects_is_413(client):
    answer = post_train(client, hidden_sizes=[{}] * 1_000)
    assert "1,000 objects" in check_problem(answer, 413)["detail"]


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/train", 262_144),
        ("/jobs/some/cancel", 65_536),
        ("/analysis/box", 524_288),
        ("/analysis/gradient-check", 524_288),
        ("/v2/repository/index", 65_536),
        ("/predict", 2**20),  # from the settings of the tests
        ("/v1/models/latest:predict", 2**20),
        ("/v2/models/latest/infer", 2**20),
    ],
)
def test_each_endpoint_limits_its_body(client, path, most):
    answer = client.post(path, data=b" " * most, content_type="application/json")
    assert answer.status_code != 413
    answer = client.post(path, data=b" " * (most + 1), content_type="application/json")
    assert f"{most:,} bytes" in check_refusal(answer, 413, path)


@pytest.mark.parametrize(
    "body",
    [
        {str(number): 0 for number in range(5_000)},
        {"hidden_sizes": [[]] * 900, **{str(number): 0 for number in range(4_999)}},
    ],
)
def test_the_first_hundred_faults_are_listed_and_the_others_counted(client, body):
    problem = check_problem(client.post("/train", json=body), 422)
    assert len(problem["errors"]) == 100
    assert "5,000 values" in problem["detail"]
    assert "4,900 more" in problem["detail"]


def test_only_the_first_fault_of_a_list_is_named(client):
    body = check_problem(post_train(client, hidden_sizes=[32, "a", "b"] + [{}] * 900), 422)
    assert pointers(body) == ["/hidden_sizes/1"]


LIST = "Enter a list of up to 8 whole numbers from 1 to 1,024, such as [32, 16]"
SIZE = "Enter a whole number from 1 to 1,024"
LAYERS = (
    'Enter a list of up to 16 items, such as [{"channels": 8, "kernel": 5, "type": "convolution"}, '
    '{"size": 2, "type": "max-pool"}]'
)


@pytest.mark.parametrize(
    ("path", "body", "pointer", "words"),
    [
        ("/train", {"epochs": 0}, "/epochs", "Enter a whole number from 1 to 1,000"),
        ("/train", {"epochs": 1001}, "/epochs", "Enter a whole number from 1 to 1,000"),
        ("/train", {"epochs": 1.5}, "/epochs", "Enter a whole number from 1 to 1,000"),
        ("/train", {"learning_rate": 0}, "/learning_rate", "Enter a number above 0, up to 10"),
        ("/train", {"learning_rate": "0,1"}, "/learning_rate", "Use a decimal point: 0.1"),
        (
            "/train",
            {"epochs": "1,000"},
            "/epochs",
            "Enter a whole number from 1 to 1,000, without a comma",
        ),
        ("/train", {"learning_rate": "0,x"}, "/learning_rate", "Enter a number above 0, up to 10"),
        ("/train", {"hidden_sizes": 16}, "/hidden_sizes", LIST),
        ("/train", {"hidden_sizes": [1] * 9}, "/hidden_sizes", LIST),
        ("/train", {"hidden_sizes": [32, 0]}, "/hidden_sizes/1", SIZE),
        ("/train", {"layers": 5}, "/layers", LAYERS),
        ("/train", {"engine": "jax"}, "/engine", "Choose numpy or torch"),
        ("/train", {"shuffle": 1}, "/shuffle", "Choose true or false"),
        ("/train", {"dataset": "A B"}, "/dataset", "Enter the name or id of a data set"),
        ("/train", {"nonsense": 1}, "/nonsense", "Unknown name 'nonsense'"),
        (
            "/train",
            {"dropout": 0.5},
            "/dropout",
            "Dropout needs the torch engine; with numpy, this must be 0",
        ),
        (
            "/analysis/regression",
            {"X": [[1]], "y": [1]},
            "/loss",
            "This field is required. Choose l1 or l2",
        ),
        (
            "/analysis/box",
            {"height": "1", "width": -1, "at": []},
            "/height",
            "Enter a finite number",
        ),
        ("/analysis/box", {"height": 1, "width": -1}, "/width", "Enter a number above 0"),
        (
            "/analysis/box",
            {"height": 1, "width": 1, "at": []},
            "/at",
            "Enter a list of 1 to 10,000 finite numbers",
        ),
        (
            "/analysis/box-approximation",
            {"function": "x", "bound": 0, "boxes": 1},
            "/bound",
            "Enter a number from 1e-6 to 1,000,000",
        ),
    ],
)
def test_a_fault_says_in_plain_words_what_is_allowed(client, path, body, pointer, words):
    problem = check_problem(client.post(path, json=body), 422)
    assert {"pointer": pointer, "detail": words} in problem["errors"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/jobs?limit=0", "Enter a whole number from 1 to 100"),
        ("/jobs?limit=many", "Enter a whole number from 1 to 100"),
        ("/jobs?status=lost", "Choose queued, running, succeeded, failed or cancelled"),
        ("/jobs?page=2", "Unknown name 'page'"),
        ("/models?after=x", "Enter the cursor `next` of the previous page"),
        ("/sweeps?after=x", "Enter the cursor `next` of the previous page"),
        ("/webhooks?after=x", "Enter the cursor `next` of the previous page"),
        ("/datasets/mnist/test?index=x", "Enter the indices, separated by commas"),
    ],
)
def test_a_fault_of_a_parameter_says_what_is_allowed(client, path, words):
    problem = check_problem(client.get(path), 422)
    assert [fault["detail"] for fault in problem["errors"]] == [words]


@pytest.mark.parametrize("path", ["/docs/jobs", "/models/../x", "/v2/x"])
def test_a_path_without_an_endpoint_is_named(client, path):
    answer = client.get(path.replace("../", "..%2F"))
    assert (
        check_refusal(answer, 404, path)
        == f"no endpoint has the path {path!r}; GET /docs lists all endpoints"
    )


def test_a_fault_of_a_header_says_what_is_allowed(client):
    answer = client.post("/train", json={}, headers={"Idempotency-Key": "x" * 201})
    [fault] = check_problem(answer, 422)["errors"]
    assert fault["detail"] == "Enter a text of 1 to 200 characters"


def test_no_model_of_the_api_has_a_fault_in_the_words_of_pydantic(app):
    """Each type of value that requests can have gets words of our own."""
    schemas = app.extensions["openapi"]["components"]["schemas"]
    for model in ("TrainRequest", "RegressionRequest", "BoxRequest", "GradientCheckRequest"):
        for name, schema in schemas[model]["properties"].items():
            refers_to = schema.get("$ref", "").rpartition("/")[2]
            assert instruction(schemas.get(refers_to, schema)), (model, name)


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("field", ["learning_rate", "epochs", "recipe"])
def test_numbers_that_are_not_finite_are_rejected_by_field(client, field, number):
    data = f'{{"{field}": {number}}}'
    answer = client.post("/train", data=data, content_type="application/json")
    assert pointers(check_problem(answer, 422)) == [f"/{field}"]


def test_all_faults_are_listed_together_including_conflicts(client):
    body = check_problem(
        post_train(
            client,
            recipe="fashion-mnist-torch",
            gradient="published",
            epochs=-1,
            **{"a/b~c": 1},
        ),
        422,
    )
    assert set(pointers(body)) == {"/gradient", "/batch_size", "/epochs", "/a~1b~0c"}


def test_a_valid_body_without_redis_is_503(client):
    answer = post_train(client, recipe="mnist-numpy")
    assert "no accepted job is lost" in check_problem(answer, 503)["detail"]


def test_an_unreadable_password_file_is_503(app, tmp_path):
    settings = app.extensions["stepbox"].settings
    missing = settings.model_copy(update={"redis_password_file": tmp_path / "none"})
    check_problem(create_app(missing).test_client().get("/jobs"), 503)


def test_the_openapi_document_is_valid_and_complete(app, client):
    document = client.get("/openapi.json").json
    validate(document)
    assert document["openapi"].startswith("3.1")
    described = {
        (path, method.upper())
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert {
        ("/train", "POST"),
        ("/jobs", "GET"),
        ("/jobs/{id}", "GET"),
        ("/jobs/{id}", "DELETE"),
        ("/jobs/{id}", "PATCH"),
        ("/jobs/{id}/cancel", "POST"),
        ("/jobs/{id}/events", "GET"),
        ("/predict", "POST"),
        ("/recipes", "GET"),
        ("/models", "GET"),
        ("/models/{ref}", "GET"),
        ("/models/{ref}", "DELETE"),
        ("/models/{ref}", "PATCH"),
        ("/models/{ref}/weights", "GET"),
        ("/aliases", "GET"),
        ("/aliases/{name}", "PUT"),
        ("/livez", "GET"),
        ("/readyz", "GET"),
        ("/v1/models", "GET"),
        ("/v1/models/{ref}", "GET"),
        ("/v1/models/{ref}:predict", "POST"),
        ("/v2", "GET"),
        ("/v2/health/live", "GET"),
        ("/v2/health/ready", "GET"),
        ("/v2/models/{ref}", "GET"),
        ("/v2/models/{ref}/versions/1", "GET"),
        ("/v2/models/{ref}/infer", "POST"),
        ("/v2/models/{ref}/versions/1/infer", "POST"),
        ("/v2/repository/index", "POST"),
        ("/system", "GET"),
    } <= described
    own = {"/", "/openapi.json", "/docs"}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for_people = rule.rule in own or rule.rule.startswith(("/ui/", "/static/"))
        methods = () if for_people else rule.methods - {"HEAD", "OPTIONS"}
        assert {(path, method) for method in methods} <= described


def test_the_example_of_a_training_is_valid(client):
    schemas = client.get("/openapi.json").json["components"]["schemas"]
    (example,) = schemas["TrainRequest"]["examples"]
    assert client.post("/train", json=example).status_code == 503  # only Redis is missing


def test_other_endpoints_work_without_redis(client):
    for path in ("/livez", "/system", "/recipes", "/models", "/aliases", "/datasets"):
        assert client.get(path).status_code == 200, path
    assert client.get("/system").json["queue"]["reachable"] is False
