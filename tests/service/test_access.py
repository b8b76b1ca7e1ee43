import subprocess

import pytest

from service.access.tokens import find_token, warn_if_open
from service.app import create_app
from service.settings import ServiceSettings, parse_tokens
from tests.problems import check_error, check_problem, check_refusal
from tests.processes import BIN, PATIENCE_S, ROOT, free_port

READ, WRITE = "r" * 16, "w" * 16


@pytest.fixture(scope="module")
def guarded(settings_without_redis, tmp_path_factory):
    """The API with a read token, and a write token from a file, without Redis and models."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "tokens").write_text(f"write:{WRITE}\n")
    changes = {
        "tokens": f"read:{READ}",
        "tokens_file": folder / "tokens",
        "models_dir": folder / "models",
        "datasets_dir": folder / "datasets",
    }
    return create_app(settings_without_redis.model_copy(update=changes)).test_client()


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/models"),
        ("get", "/jobs"),
        ("get", "/openapi.json"),
        ("get", "/system"),
        ("get", "/v2"),
        ("get", "/nowhere"),
        ("post", "/train"),
        ("post", "/predict"),
        ("delete", "/models/m-000000000000"),
    ],
)
@pytest.mark.parametrize(
    "headers", [{}, bearer("x" * 16), bearer(""), {"Authorization": "Basic cjpy"}]
)
def test_requests_without_a_known_token_are_rejected(guarded, method, path, headers):
    answer = getattr(guarded, method)(path, headers=headers)
    check_refusal(answer, 401, path)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path",
    [
        "/livez",
        "/readyz",
        "/v2/health/live",
        "/v2/health/ready",
        "/docs",
        "/static/any/style.css",
    ],
)
def test_health_checks_pages_and_static_files_need_no_token(guarded, path):
    with guarded.get(path) as answer:
        assert answer.status_code in (200, 409, 503)


def test_a_read_token_reads_and_predicts_but_changes_nothing(guarded):
    assert guarded.get("/models", headers=bearer(READ)).status_code == 200
    answer = guarded.post("/predict", data=b"", content_type="image/png", headers=bearer(READ))
    check_problem(answer, 409)  # passed the access check: there is no model yet
    check_error(guarded.post("/v2/models/latest/infer", headers=bearer(READ)), 409)
    check_error(guarded.post("/v1/models/latest:predict", headers=bearer(READ)), 409)
    assert guarded.post("/v2/repository/index", headers=bearer(READ)).json == []
    for method, path in (
        ("post", "/train"),
        ("post", "/predictions"),
        ("post", "/jobs/some/cancel"),
        ("delete", "/jobs/some"),
        ("patch", "/jobs/some"),
        ("patch", "/models/m-000000000000"),
        ("put", "/aliases/best"),
        ("delete", "/models/m-000000000000"),
    ):
        check_problem(getattr(guarded, method)(path, headers=bearer(READ)), 403)


def test_a_write_token_reads_and_changes(guarded):
    assert guarded.get("/models", headers=bearer(WRITE)).status_code == 200
    check_problem(guarded.delete("/models/m-000000000000", headers=bearer(WRITE)), 404)
    check_problem(guarded.post("/train", json={}, headers=bearer(WRITE)), 503)


@pytest.mark.parametrize(("secret", "scope"), [(READ, "read"), (WRITE, "write")])
def test_a_client_is_told_what_its_token_allows(guarded, secret, scope):
    answer = guarded.get("/access", headers=bearer(secret))
    assert answer.json == {"required": True, "scope": scope, "name": None}
    check_problem(guarded.get("/access"), 401)
    check_problem(guarded.get("/access", headers=bearer("x" * 16)), 401)


def test_without_tokens_everyone_may_write(client):
    assert client.get("/access").json == {"required": False, "scope": "write", "name": None}


def test_pages_know_whether_tokens_are_needed(client, guarded):
    assert "data-access" not in client.get("/").text
    assert 'data-access="unknown"' in guarded.get("/").text


def test_the_name_of_a_token_is_the_owner_of_what_its_requests_create():
    secrets = {name: name[0] * 16 for name in ("alice", "b", "0.c_d-e", "z" * 63)}
    text = ",".join(f"{name}=own:{secret}" for name, secret in secrets.items())
    tokens = parse_tokens(f"{text} alice=write:{'n' * 16}")
    for name, secret in secrets.items():
        assert find_token(tokens, f"Bearer {secret}")[::2] == ("own", name)
    assert find_token(tokens, f"Bearer {'n' * 16}")[::2] == ("write", "alice")  # the new secret


def test_of_tokens_with_the_same_secret_the_strongest_counts():
    tokens = parse_tokens(f"a=read:{READ} b=write:{READ} c=own:{READ}")
    assert find_token(tokens, f"Bearer {READ}")[::2] == ("write", "b")


def test_a_client_is_told_the_name_of_its_token(guarded):
    settings = guarded.application.extensions["stepbox"].settings
    named = create_app(settings.model_copy(update={"tokens": f"alice=own:{READ}"})).test_client()
    expected = {"required": True, "scope": "own", "name": "alice"}
    assert named.get("/access", headers=bearer(READ)).json == expected


@pytest.mark.parametrize(
    "text",
    [
        "secret",
        "admin:" + "x" * 16,
        "read:short",
        "read:",
        "Alice=write:" + "x" * 16,
        ".a=write:" + "x" * 16,
        "=write:" + "x" * 16,
        "a" * 64 + "=write:" + "x" * 16,
        "a=write:short",
    ],
)
def test_malformed_tokens_are_rejected_at_startup(text):
    with pytest.raises(ValueError, match="at least 16 characters"):
        parse_tokens(text)


def test_a_token_for_what_is_its_own_needs_a_name():
    with pytest.raises(ValueError, match="needs a name"):
        parse_tokens("own:" + "x" * 16)


def test_an_address_that_others_can_reach_needs_tokens_or_a_setting():
    open_to_all = ServiceSettings(host="0.0.0.0")
    with pytest.raises(SystemExit, match="STEPBOX_TOKENS"):
        warn_if_open(open_to_all)
    warn_if_open(open_to_all.model_copy(update={"open": True}))
    warn_if_open(open_to_all.model_copy(update={"tokens": f"read:{READ}"}))
    warn_if_open(ServiceSettings())


@pytest.mark.slow
def test_gunicorn_does_not_start_without_access_control():
    done = subprocess.run(
        [BIN / "gunicorn", "-c", "service/server/gunicorn_conf.py", "service.asgi:app"],
        cwd=ROOT,
        env={"STEPBOX_HOST": "0.0.0.0", "STEPBOX_PORT": str(free_port()), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode != 0
    assert "STEPBOX_TOKENS" in done.stderr


def test_security_headers_are_set(client):
    for path in ("/livez", "/nowhere", "/docs"):
        headers = client.get(path, headers={"Origin": "http://elsewhere.example"}).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert not [name for name, _ in headers if name.startswith("Access-Control")]


HOSTS = {
    "localhost": 200,
    "LOCALHOST:8000": 200,
    "pages.localhost:8000": 200,
    "127.0.0.1": 200,
    "127.1.2.3:80": 200,
    "[::1]:8000": 200,
    "": 200,
    "evil.example": 421,
    "127.0.0.1.evil.example:8000": 421,
    "localhost.evil.example": 421,
    "evil.localhost.example": 421,
    "192.168.1.5:8000": 421,
    "[fe80::1]": 421,
    "localhost@evil.example": 421,
    "localhost,evil.example": 421,
    "localhost:80:80": 421,
    "::1": 421,
    "x" * 300: 421,
}
ADDRESSES = {"192.168.1.5:8000": 200, "[fe80::1]": 200, "evil.example": 421, "1.2.3.4.5": 421}


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        ({}, HOSTS),
        ({"host": "0.0.0.0"}, HOSTS | ADDRESSES),
        ({"host": "::"}, HOSTS | ADDRESSES),
        ({"host": "192.168.1.5"}, HOSTS | {"192.168.1.5:8000": 200, "192.168.1.6": 421}),
        ({"host": "fe80::1"}, HOSTS | {"[FE80:0::1]:8000": 200, "[fe80::1]": 200}),
        ({"hosts": "service, evil.example"}, HOSTS | {"service:8000": 200, "evil.example": 200}),
        ({"hosts": "*"}, {"localhost": 200, "evil.example:8000": 200, "[fe80::1]": 200}),
    ],
)
def test_requests_for_other_hosts_are_rejected(app, settings, hosts):
    settings = app.extensions["stepbox"].settings.model_copy(update=settings)
    client = create_app(settings).test_client()
    answers = {host: client.get("/models", headers={"Host": host}).status_code for host in hosts}
    assert answers == hosts


@pytest.mark.parametrize(
    "path", ["/", "/livez", "/metrics", "/v2", "/docs", "/static/1/style.css", "/nowhere"]
)
def test_every_path_rejects_other_hosts(client, path):
    answer = client.get(path, headers={"Host": "evil.example"})
    assert "STEPBOX_HOSTS" in check_refusal(answer, 421, path)


@pytest.mark.parametrize("hosts", ["service:8000", "http://service", "a/b", "[::1]:80", "?"])
def test_invalid_hosts_are_rejected_at_startup(hosts):
    with pytest.raises(ValueError, match="without a port"):
        ServiceSettings(hosts=hosts)


SENDERS = [
    ("localhost", {}, True),
    ("localhost", {"Sec-Fetch-Site": "same-origin"}, True),
    ("localhost", {"Sec-Fetch-Site": "none"}, True),
    ("localhost", {"Sec-Fetch-Site": "same-origin", "Origin": "https://proxy.example"}, True),
    ("localhost", {"Sec-Fetch-Site": "cross-site"}, False),
    ("localhost", {"Sec-Fetch-Site": "same-site"}, False),
    ("localhost", {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
    ("localhost:8000", {"Origin": "http://localhost:8000"}, True),
    ("localhost:8000", {"Origin": "https://localhost:8000"}, True),
    ("localhost:443", {"Origin": "https://localhost"}, True),
    ("localhost:80", {"Origin": "http://localhost"}, True),
    ("localhost:80", {"Origin": "https://localhost"}, False),
    ("localhost:8000", {"Origin": "http://localhost:9000"}, False),
    ("localhost:8000", {"Origin": "http://localhost"}, False),
    ("localhost:8000", {"Origin": "http://127.0.0.1:8000"}, False),
    ("localhost", {"Origin": "http://evil.example"}, False),
    ("localhost", {"Origin": "null"}, False),
    ("localhost", {"Origin": "http://["}, False),
    ("", {"Origin": "null"}, False),
]


@pytest.mark.parametrize(("host", "headers", "accepted"), SENDERS)
def test_pages_of_other_sites_change_nothing(guarded, client, host, headers, accepted):
    headers = {"Host": host, **headers}
    for one, more in ((client, {}), (guarded, bearer(WRITE))):
        answer = one.delete("/models/m-000000000000", headers=headers | more)
        check_problem(answer, 404 if accepted else 403)
        assert one.get("/models", headers=headers | more).status_code == 200
    answer = client.post("/predict", data=b"", content_type="image/png", headers=headers)
    check_problem(
        answer, 409 if accepted else 403
    )  # passed the access check: there is no model yet


def test_predictions_can_be_limited_without_redis(app):
    settings = app.extensions["stepbox"].settings
    limited = create_app(settings.model_copy(update={"predict_limit": "3/hour"})).test_client()
    for left in (2, 1, 0):
        answer = limited.post("/predict", data=b"", content_type="image/png")
        check_problem(answer, 409)
        assert answer.headers["RateLimit-Limit"] == "3"
        assert answer.headers["RateLimit-Remaining"] == str(left)
        assert 0 < int(answer.headers["RateLimit-Reset"]) <= 3600
    answer = limited.post("/predict", data=b"", content_type="image/png")
    check_problem(answer, 429)
    assert int(answer.headers["Retry-After"]) > 0
    assert limited.get("/models").status_code == 200


def test_the_limit_on_trainings_counts_all_processes_together(jobs, app):
    settings = ServiceSettings(
        train_limit="2/hour", models_dir=app.extensions["stepbox"].settings.models_dir
    )
    clients = [create_app(settings).test_client() for _ in range(2)]
    body = {"epochs": 1, "hidden_sizes": [2]}
    assert [client.post("/train", json=body).status_code for client in clients] == [202, 202]
    for client in clients:
        answer = client.post("/train", json=body)
        assert "2 per 1 hour" in check_problem(answer, 429)["detail"]
        assert answer.headers["RateLimit-Remaining"] == "0"
    assert len(jobs.page()[0]) == 2


def test_predictions_of_data_sets_count_as_trainings(jobs, app):
    settings = ServiceSettings(
        train_limit="2/hour", models_dir=app.extensions["stepbox"].settings.models_dir
    )
    client = create_app(settings).test_client()
    csv = {"data": b"1,2", "content_type": "text/csv"}
    named = {"json": {"model": "latest", "dataset": "mnist"}}
    for body in (csv, named):
        check_problem(client.post("/predictions", **body), 422)  # there is no model
    for body in (csv, named):
        check_problem(client.post("/predictions", **body), 429)


def test_the_limit_on_trainings_counts_sweeps_and_reproductions(jobs, app):
    settings = ServiceSettings(
        train_limit="2/hour", models_dir=app.extensions["stepbox"].settings.models_dir
    )
    client = create_app(settings).test_client()
    space = {"learning_rate": {"low": 0.1, "high": 0.3}}
    assert client.post("/sweeps", json={"space": space}).status_code == 202
    check_problem(client.post("/models/m-0123456789ab/reproduce"), 404)
    for path in ("/sweeps", "/models/latest/reproduce", "/train"):
        check_problem(client.post(path, json={"space": space}), 429)
