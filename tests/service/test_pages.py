import gzip
import re

import pytest

from service.web.pages import PLAIN_PAGES, form_fields
from service.web.static_files import FOLDER
from stepbox.training.recipe import Recipe
from tests.problems import check_problem

PLAIN = [f"/ui/{name}" for name in PLAIN_PAGES]
ALL = ["/", *PLAIN, "/ui/mathematics", "/ui/jobs/some", "/ui/models/some"]


@pytest.mark.parametrize("path", ALL)
def test_a_page_loads_only_existing_files_of_this_server(client, path):
    page = client.get(path)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "'unsafe" not in page.headers["Content-Security-Policy"]
    assert "//" not in page.text.replace("<!doctype", "")
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|\bstyle=|<style", page.text)
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(files) == 3
    for file in files:
        answer = client.get(file)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]


def test_modules_import_only_existing_files():
    for module in (FOLDER / "js").rglob("*.js"):
        for name in re.findall(r'(?:from|import)\s*\(?"(\.[^"]+)"', module.read_text()):
            target = (module.parent / name).resolve()
            assert target.is_file() or target.parent.name == "vendor", (module, name)


def test_files_are_gzipped_if_the_client_accepts_it(client):
    [path] = re.findall(r'href="(/static/[^"]+\.css)"', client.get("/").text)
    plain = client.get(path)
    gzipped = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert gzipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(gzipped.data) == plain.data == (FOLDER / "style.css").read_bytes()
    assert len(gzipped.data) < len(plain.data) / 2


def test_files_of_another_version_are_not_cached(client):
    assert client.get("/static/000000000000/style.css").headers["Cache-Control"] == "no-cache"
    for name in ("none.css", "../app.py", "%2e%2e/app.py", "vendor/lock.sha256"):
        check_problem(client.get(f"/static/000000000000/{name}"), 404)


def test_responses_are_gzipped_if_the_client_accepts_it(client):
    accepts_gzip = {"Accept-Encoding": "gzip"}
    document = client.get("/openapi.json", headers=accepts_gzip)
    assert document.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(document.data) == client.get("/openapi.json").data
    assert "Content-Encoding" not in client.get("/livez", headers=accepts_gzip).headers  # too short
    refused = client.get("/openapi.json", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


def test_the_form_has_every_field_of_a_recipe_with_its_range(client):
    fields = {field.name: field for field in form_fields()}
    assert fields.keys() == Recipe.model_fields.keys() - {"name"}
    assert fields["epochs"].allowed == "1 to 1,000"
    assert fields["learning_rate"].allowed == "Above 0, up to 10"
    assert fields["hidden_sizes"].allowed == "Up to 8 numbers from 1 to 1,024, separated by commas"
    assert fields["shuffle"].choices == ["true", "false"]
    page = client.get("/").text
    assert all(f'id="{name}"' in page for name in fields)
