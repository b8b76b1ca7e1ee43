"""The page of the API shows the whole OpenAPI document."""

import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from service.web.schema_words import (
    example_text,
    operation_anchors,
    prose,
    resolve,
    sample_text,
    type_words,
)
from service.web.status_words import EXAMPLE, REASONS
from stepbox.allowed import range_of

CHANGING = (  # how the ids of the operations begin that change data
    *(f"datasets_{name}" for name in ("upload", "delete")),
    *(f"jobs_{name}" for name in ("train", "delete", "patch", "cancel")),
    "predictions_predict",
    "reproductions_reproduce",
    *(f"sweeps_{name}" for name in ("submit", "cancel", "train_winner")),
    *(f"models_{name}" for name in ("delete", "patch", "put", "remove", "roll")),
    *(f"workers_{name}" for name in ("drain", "resume")),
    "webhooks_retry",
)


class Page(HTMLParser):
    """The ids of a page, the targets of its links, and its text in one line."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.targets, self._texts = [], set(), []
        self.feed(html)
        self.text = " ".join("".join(self._texts).split())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if attributes.get("href", "").startswith("#"):
            self.targets.add(attributes["href"][1:])

    def handle_data(self, data):
        self._texts.append(data)


@pytest.fixture(scope="module")
def document(shared_app):
    return shared_app.extensions["openapi"]


@pytest.fixture(scope="module")
def html(shared_app):
    return shared_app.test_client().get("/docs").text


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def parts(html, document):
    """Yield each operation, and its part of the page."""
    anchors = operation_anchors(document)
    for path, method, operation in operations(document):
        begin = f'<details class="operation" id="{anchors[operation["operationId"]]}">'
        assert html.count(begin) == 1, (method, path)
        yield operation, html.split(begin)[1].split('<details class="operation"')[0]


def plain(text):
    """Return what a reader sees of a description, in one line."""
    return " ".join(prose(text).striptags().split())


def test_every_operation_is_shown_with_all_its_parameters(html, document):
    shown = list(parts(html, document))
    assert len(shown) >= 45
    for operation, part in shown:
        text = Page(part).text
        summary = operation["summary"]
        rest = operation["description"].removeprefix(summary).removeprefix(".")
        assert plain(summary) in text
        assert plain(rest) in text
        for one in operation.get("parameters", []):
            assert f'name="{one["name"]}" data-in="{one["in"]}"' in part
            assert plain(one["description"]) in text
        for status, response in operation["responses"].items():
            assert f"{status} " in text
            for kind in response.get("content", {}):
                assert int(status) >= 400 or kind in text


def test_every_body_has_a_control_and_its_fields(html, document):
    bodies = 0
    for operation, part in parts(html, document):
        for kind, media in operation.get("requestBody", {}).get("content", {}).items():
            bodies += 1
            [types] = [one for one in re.findall('data-types="(.*?)"', part) if kind in one.split()]
            control = part.split(f'data-types="{types}"')[1]
            fields = resolve(document, media["schema"]).get("properties", {})
            if kind == "application/json":
                assert fields
                example = unescape(re.search("<textarea.*?>(.*?)</textarea>", control, re.S)[1])
                assert json.loads(example).keys() <= fields.keys()
                assert all(f"<code>{name}</code>" in control for name in fields)
    assert bodies >= 20


def test_every_object_is_shown_and_every_link_leads_to_something(html, document):
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    assert page.targets <= set(page.ids)
    assert {f"object-{name}" for name in document["components"]["schemas"]} <= set(page.ids)


def test_only_requests_that_change_data_are_marked(html, document):
    for operation, part in parts(html, document):
        assert ("data-changes" in part) == operation["operationId"].startswith(CHANGING)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1.0, "maximum": 1000}, "integer, 1 to 1,000"),
        ({"type": "number", "exclusiveMinimum": 0.0}, "number, above 0"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, "number, above 0, up to 0.5"),
        ({"type": "integer", "minimum": 0}, "integer, at least 0"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"enum": ["l1", "l2"], "type": "string"}, '"l1" or "l2"'),
        ({"type": "array", "items": {"type": "number"}, "maxItems": 8}, "list (up to 8) of number"),
        (
            {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "string"}]}},
            "list of (number or string)",
        ),
        ({"type": "string", "minLength": 1, "maxLength": 9}, "string of 1 to 9 characters"),
        ({"type": "string", "pattern": "^<b>$"}, "string, matching ^<b>$"),
        ({"type": "string", "format": "binary"}, "file"),
        ({"$ref": "#/components/schemas/Job"}, "Job"),
        ({}, "any value"),
    ],
)
def test_types_are_written_for_people(schema, words):
    assert unescape(type_words(schema).striptags()) == words


def test_a_range_that_allows_every_number_has_no_words():
    assert range_of({"type": "number"}) == ""


def test_text_of_the_document_cannot_become_markup():
    assert prose("`a<b` & c") == "<code>a&lt;b</code> &amp; c"


def test_a_body_without_an_example_shows_its_default_values():
    schema = {"properties": {"ready": {"default": False}, "name": {}}}
    assert json.loads(example_text({"components": {"schemas": {}}}, schema)) == {"ready": False}


def test_the_example_of_an_error_is_what_the_api_returns(shared_app):
    body = {"recipe": "mnist-numpy", "epochs": 0}
    assert shared_app.test_client().post("/train", json=body).json == EXAMPLE


def test_each_status_of_an_error_has_a_reason(document):
    statuses = {status for *_, one in operations(document) for status in one["responses"]}
    assert {status for status in statuses if status >= "400"} <= REASONS.keys()


def test_a_sample_has_what_a_response_always_has(document):
    job = json.loads(sample_text(document, {"$ref": "#/components/schemas/Job"}))
    assert job["status"] == "queued"
    assert job["recipe"]["name"] == "mnist-numpy"
    assert job["created_at"].endswith("Z")
    problem = json.loads(sample_text(document, {"$ref": "#/components/schemas/Problem"}))
    assert "errors" not in problem  # which most problems lack


def test_a_sample_of_an_object_that_contains_its_kind_ends():
    schemas = {"Tree": {"type": "object", "required": ["under"], "properties": {}}}
    tree = {"$ref": "#/components/schemas/Tree"}
    schemas["Tree"]["properties"] = {"under": {"type": "array", "items": tree}}
    document = {"components": {"schemas": schemas}}
    assert json.loads(sample_text(document, tree)) == {"under": [{}]}
