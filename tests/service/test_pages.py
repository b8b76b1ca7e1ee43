import gzip
import re
from html import unescape

import pytest

from service.app import create_app
from service.settings import ServiceSettings
from service.web.bundles import WEB
from service.web.pages import FIRST_POINTS, PLAIN_PAGES, POLICY
from service.web.training_form import form_fields
from stepbox.training.recipe import Recipe
from tests.problems import check_problem

PLAIN = [f"/ui/{name}" for name in PLAIN_PAGES]
FORMS = ["/", "/ui/sweeps", "/ui/playground", "/ui/mathematics"]
ONE = ["/ui/jobs/some", "/ui/sweeps/some", "/ui/data/some", "/ui/models/some"]
ALL = ["/docs", "/ui/glossary", *PLAIN, *FORMS, *ONE]


@pytest.mark.parametrize("path", ALL)
def test_a_page_loads_only_existing_files_of_this_server(client, path):
    page = client.get(path)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "'unsafe" not in page.headers["Content-Security-Policy"]
    assert "//" not in page.text.replace("<!doctype", "")
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|\bstyle=|<style", page.text)
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(files) == (5 if path == "/ui/predict" else 4)
    for file in files:
        answer = client.get(file)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("origins", "path", "ancestors"),
    [
        ("", "/?embed", "'none'"),
        ("https://a.example, http://localhost:80", "/", "'none'"),
        (
            "https://a.example, http://localhost:80",
            "/ui/mathematics?embed=box",
            "https://a.example http://localhost:80",
        ),
    ],
)
def test_only_embedded_pages_may_be_in_frames_of_the_given_origins(
    tmp_path, origins, path, ancestors
):
    app = create_app(ServiceSettings(models_dir=tmp_path, embed_origins=origins))
    page = app.test_client().get(path)
    assert f"frame-ancestors {ancestors};" in page.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in page.headers
    answer = app.test_client().get("/livez?embed")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "origin",
    ["*", "example.org", "https://example.org/", "https://a.example;script-src", "https://*.org"],
)
def test_what_is_no_origin_is_rejected_at_startup(origin):
    with pytest.raises(ValueError, match="is not an origin"):
        ServiceSettings(embed_origins=origin)


def test_files_are_gzipped_if_the_client_accepts_it(client):
    [path] = re.findall(r'href="(/static/[^"]+\.css)"', client.get("/").text)
    plain = client.get(path)
    gzipped = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert gzipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(gzipped.data) == plain.data
    source = (WEB / "static" / "style.css").read_bytes()
    assert len(source) / 2 < len(plain.data) < len(source)  # without comments and white space
    assert len(gzipped.data) < len(plain.data) / 2


def test_files_of_another_version_are_not_cached(client):
    assert client.get("/static/000000000000/style.css").headers["Cache-Control"] == "no-cache"
    for name in ("none.css", "../app.py", "%2e%2e/app.py", "js/dom.js", "inputs.sha256"):
        check_problem(client.get(f"/static/000000000000/{name}"), 404)


def test_responses_are_gzipped_if_the_client_accepts_it(client):
    accepts_gzip = {"Accept-Encoding": "gzip"}
    document = client.get("/openapi.json", headers=accepts_gzip)
    assert document.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(document.data) == client.get("/openapi.json").data
    assert "Content-Encoding" not in client.get("/livez", headers=accepts_gzip).headers  # too short
    refused = client.get("/openapi.json", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}


def test_the_form_has_every_field_of_a_recipe_with_its_range(client):
    fields = {field.name: field for field in form_fields(TITLES)}
    assert fields.keys() == Recipe.model_fields.keys() - {"name"}
    assert fields["epochs"].allowed == "1 to 1,000"
    assert fields["learning_rate"].allowed == "Above 0, up to 10"
    assert fields["hidden_sizes"].allowed == "Up to 8 numbers from 1 to 1,024, separated by commas"
    assert list(fields["shuffle"].choices) == ["true", "false"]
    assert fields["shuffle"].choices["true"] == "on"
    assert "1 − weight decay × learning rate" in fields["weight_decay"].help
    assert fields["dataset"].choices["fashion-mnist"] == "Fashion-MNIST"
    page = client.get("/").text
    assert all(f'id="{name}"' in page for name in fields)


@pytest.mark.parametrize("path", ["/ui", "/ui/", "/ui/nothing", "/ui/models/some/more"])
def test_an_unknown_page_is_a_page_that_links_to_the_others(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "There is no such page" in answer.text
    assert all(f'<li><a href="{page}"' in answer.text for page in ["/", *PLAIN])


def test_a_wrong_method_at_a_page_is_answered_with_a_page(client):
    answer = client.post("/ui/models")
    assert (answer.status_code, answer.mimetype) == (405, "text/html")
    assert "GET" in answer.headers["Allow"]
    assert "A page can only be opened" in answer.text


def test_an_address_in_an_error_page_is_text(client):
    assert "<b>" not in client.get("/ui/<b>").text


def test_errors_of_the_api_stay_problems(client):
    check_problem(client.get("/nowhere"), 404)
    check_problem(client.get("/models/none"), 404)
    check_problem(client.get("/ui/models", headers={"Host": "evil.example"}), 421)


def preloaded(page):
    return re.findall(r'rel="preload" as="fetch" crossorigin href="([^"]+)"', page)


def test_a_page_preloads_what_it_always_requests(client):
    assert preloaded(client.get("/ui/models/a b").text)[0] == "/models/a%20b"
    for path in ["/", *PLAIN, "/ui/models/some", "/ui/jobs/some"]:
        assert preloaded(client.get(path).text)


def test_the_playground_preloads_only_what_it_shows_without_settings(client):
    assert preloaded(unescape(client.get("/ui/playground").text)) == [FIRST_POINTS]
    assert client.get(FIRST_POINTS).status_code == 200
    assert preloaded(client.get("/ui/playground?data=xor").text) == []


def test_a_page_preloads_nothing_if_requests_need_a_token(app, backend):
    settings = backend.settings.model_copy(update={"tokens": f"read:{'r' * 16}"})
    page = create_app(settings).test_client().get("/").text
    assert preloaded(page) == []


def test_the_page_of_predictions_says_if_the_store_cannot_be_read(client, tmp_path):
    assert client.get("/ui/predict?models=unknown").status_code == 200
    models = tmp_path / "models"
    models.symlink_to(models)
    client = create_app(ServiceSettings(models_dir=models)).test_client()
    answer = client.get("/ui/predict?models=latest")
    assert answer.status_code == 503
    assert "the folder of models cannot be read" in unescape(answer.text)
