"""The reference documentation lists everything that the code has, and nothing else."""

import inspect
import re
from typing import get_args

import numpy as np
import pytest

import stepbox
from jobs.archive_rows import COLUMNS
from jobs.settings import Settings
from service.app import create_app
from service.settings import ServiceSettings
from stepbox.training.layer_options import (
    MOST_OUTPUTS,
    MOST_PARAMETERS,
    MOST_PRODUCTS,
    HiddenLayer,
)
from stepbox.training.presets import RECIPES
from stepbox.training.recipe import Recipe
from tests.docs.tables import REFERENCE, codes, rows, tables
from tests.processes import ROOT
from worker.settings import WorkerSettings

SETTINGS = (Settings, ServiceSettings, WorkerSettings)
FILES_WITH_SETTINGS = [
    *("docker-compose.yml", "docker-compose.tls.yml", "docker-compose.worker.yml"),
    "docker-compose.bucket.yml",
    *("accelerator.yml", "Dockerfile.gpu", "Procfile", "bin"),
    *("stepbox", "jobs", "worker", "service"),
]
OTHER_SETTINGS = {"ACCELERATOR", "PYTHON_IMAGE", "REDIS_IMAGE", "DEBIAN_IMAGE"}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return create_app(ServiceSettings(models_dir=tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def document(app):
    return app.extensions["openapi"]


def test_the_columns_of_the_archive_are_documented():
    documented = [
        name for row in rows(REFERENCE / "archive.md", "column") for name in codes(row[0])
    ]
    assert documented == [*COLUMNS]


# -- settings ---------------------------------------------------------------------------------


def documented_settings():
    return {codes(row[0])[0]: row for row in rows(REFERENCE / "settings.md", "setting")}


def names_in(path):
    files = (
        [path]
        if path.is_file()
        else [file for file in path.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    )
    texts = [file.read_bytes().decode(errors="ignore") for file in files]
    return {name for text in texts for name in re.findall(r"\bSTEPBOX_[A-Z_]+\b", text)}


def test_every_setting_is_documented_and_exists():
    fields = {f"STEPBOX_{name.upper()}" for kind in SETTINGS for name in kind.model_fields}
    elsewhere = set().union(*(names_in(ROOT / file) for file in FILES_WITH_SETTINGS))
    assert documented_settings().keys() == fields | elsewhere | OTHER_SETTINGS


@pytest.mark.parametrize("name", sorted(OTHER_SETTINGS))
def test_a_setting_of_compose_is_in_its_files(name):
    compose = (ROOT / "docker-compose.yml").read_text()
    default = codes(documented_settings()[name][1])[0]
    if name == "ACCELERATOR":
        assert f"${{ACCELERATOR:-{default}}}" in compose
    else:
        assert name in compose
        assert f"ARG {name}={default}\n" in (ROOT / "Dockerfile.gpu").read_text()


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_default_of_a_setting_is_the_documented_one(kind):
    for name, field in kind.model_fields.items():
        setting = documented_settings()[f"STEPBOX_{name.upper()}"][1].strip("`")
        if field.default_factory is None:
            default = field.default
            expected = "none" if default in (None, "") else str(default)
            expected = "false" if default is False else expected
            assert setting == expected, name


def test_settings_that_compose_passes_on_have_a_star():
    compose = (ROOT / "docker-compose.yml").read_text()
    passed = set(re.findall(r"\$\{(STEPBOX_\w+)", compose))
    fields = {f"STEPBOX_{name.upper()}" for kind in SETTINGS for name in kind.model_fields}
    starred = {name for name, row in documented_settings().items() if row[0].endswith("*")}
    assert starred == passed & fields


def test_workers_on_other_machines_get_the_settings_that_only_workers_have():
    near, far = (
        set(re.findall(r"\$\{(STEPBOX_\w+)", (ROOT / name).read_text()))
        for name in ("docker-compose.yml", "docker-compose.worker.yml")
    )
    only = {
        f"STEPBOX_{name.upper()}"
        for name in {*WorkerSettings.model_fields}
        - {*Settings.model_fields, *ServiceSettings.model_fields}
    } - {"STEPBOX_FIRST_MODEL"}  # the first worker has made it
    assert near & only <= far


# -- recipes ----------------------------------------------------------------------------------


def test_every_named_recipe_is_documented_and_exists():
    named = [codes(row[0])[0] for row in rows(REFERENCE / "recipes.md", "recipe")]
    assert named == list(RECIPES)


LAYER_OPTIONS = get_args(get_args(HiddenLayer)[0])


def allowed(schema):
    """Format the values that a field may have, as the reference does."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        value, null = schema["anyOf"]
        assert null == {"type": "null"}
        return f"`null`, or {allowed(value)}"
    if schema["type"] == "string":
        return "a name or an id"
    if schema["type"] == "boolean":
        return "`true`, `false`"
    if schema["type"] == "array" and "discriminator" in schema["items"]:
        return f"up to {schema['maxItems']} [layers](#layers)"
    if schema["type"] == "array":
        return f"up to {schema['maxItems']} sizes from {allowed(schema['items'])}"
    high = f"{schema['maximum']:,g}" if schema["maximum"] < 1e5 else f"{schema['maximum']:,}"
    if "exclusiveMinimum" in schema:
        return f"above {schema['exclusiveMinimum']:g}, up to {high}"
    return f"{schema['minimum']:g} to {high}"


def test_every_field_of_a_recipe_is_documented_with_its_range():
    fields = {codes(row[0])[0]: row[1] for row in rows(REFERENCE / "recipes.md", "field")}
    schema = Recipe.model_json_schema()
    properties = {
        name: schema["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else field
        for name, field in schema["properties"].items()
    }
    assert fields.pop("name") == "a recipe's name"
    del properties["name"]
    assert fields == {name: allowed(field) for name, field in properties.items()}


@pytest.mark.parametrize("options", LAYER_OPTIONS)
def test_every_option_of_a_layer_is_documented_with_its_range(options):
    properties = options.model_json_schema()["properties"]
    name = properties.pop("type")["const"]
    documented = {codes(row[0])[0]: row[1] for row in rows(REFERENCE / "recipes.md", f"`{name}`")}
    assert documented == {option: allowed(schema) for option, schema in properties.items()}


def test_the_limits_of_a_network_are_documented():
    page = (REFERENCE / "recipes.md").read_text()
    for limit in (MOST_PARAMETERS, MOST_OUTPUTS, MOST_PRODUCTS):
        assert f"{limit:,}" in page


# -- endpoints --------------------------------------------------------------------------------


def documented_requests():
    found = {}
    for row in rows(REFERENCE / "api.md", "request"):
        (request,) = codes(row[0])
        assert request not in found
        found[request] = row[1]
    return found


def test_every_endpoint_is_documented_and_exists(app, document):
    described = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    others = {
        "GET " + re.sub(r"<(?:[a-z]+:)?([a-z]+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if "GET" in rule.methods and not rule.rule.startswith(("/static/", "/docs/"))
    }
    assert documented_requests().keys() == described | others


def test_every_parameter_of_an_endpoint_is_documented(document):
    requests = documented_requests()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                if parameter["in"] != "path":
                    request = f"{method.upper()} {path}"
                    assert f"`{parameter['name']}`" in requests[request], request


# -- responses --------------------------------------------------------------------------------


def documented_objects():
    found = {}
    for table in tables(REFERENCE / "responses.md"):
        if table[0][0] == "object":
            for name, fields in table[1:]:
                found[codes(name)[0]] = set(codes(fields))
        else:
            found[codes(table[0][0])[0]] = {codes(row[0])[0] for row in table[1:]}
    return found


def objects_in_responses(document):
    """Collect the schemas that responses refer to, directly or through others."""
    schemas = document["components"]["schemas"]
    waiting = [
        answer
        for operations in document["paths"].values()
        for operation in operations.values()
        for answer in operation["responses"].values()
    ]
    found = set()
    while waiting:
        for name in re.findall(r"#/components/schemas/(\w+)", str(waiting.pop())):
            if name not in found:
                found.add(name)
                waiting.append(schemas[name])
    return {
        name: set(schemas[name]["properties"]) for name in found if "properties" in schemas[name]
    }


def test_every_field_of_a_response_is_documented_and_exists(document):
    objects = objects_in_responses(document)
    for recipe in ("Recipe", "RecipeEntry"):  # documented in recipes.md
        assert set(Recipe.model_fields) <= objects.pop(recipe)
    for options in LAYER_OPTIONS:
        del objects[options.__name__]
    assert documented_objects() == objects


# -- metrics ----------------------------------------------------------------------------------


def test_every_metric_is_documented_and_exposed(redis_process, tmp_path):
    client = create_app(ServiceSettings(models_dir=tmp_path)).test_client()
    client.get("/livez")
    text = client.get("/metrics").text
    documented = {
        codes(row[0])[0]: (row[1], set(codes(row[2])))
        for row in rows(REFERENCE / "metrics.md", "metric")
    }
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert {name: kind for name, (kind, _) in documented.items()} == kinds
    for name, labels in re.findall(r"^(stepbox_\w+)(?:\{(.*)\})? ", text, re.MULTILINE):
        metric = name if name in documented else re.sub(r"_(bucket|count|sum)$", "", name)
        assert set(re.findall(r"(\w+)=", labels)) - {"le"} == documented[metric][1], name


# -- make -------------------------------------------------------------------------------------


def test_every_make_target_is_documented_and_exists():
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    (targets,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert set(targets.split()) <= set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    documented = [codes(row[0])[0] for row in rows(REFERENCE / "make.md", "target")]
    assert sorted(documented) == sorted(f"make {target}" for target in targets.split())


# -- Python -----------------------------------------------------------------------------------

PYTHON = REFERENCE / "python.md"
CLASSES = ("Dataset", "DatasetSpec", "Model", "Network", "Prediction")


def parameters_of(function):
    """List the parameters of a function with their kinds and defaults, without annotations."""
    parameters = inspect.signature(function).parameters.values()
    return [(one.name, one.kind, one.default) for one in parameters if one.name != "self"]


def check_signature(text, function):
    """Compare the signature that the documentation shows with that of the function."""
    shown = {"np": np}
    exec(f"def {text}: ...", shown)
    assert parameters_of(shown[function.__name__]) == parameters_of(function)


def test_every_public_name_of_the_library_is_documented_and_exists():
    names = re.findall(r"^### `(\w+)`$", PYTHON.read_text("utf-8"), re.MULTILINE)
    assert sorted(names) == sorted(stepbox.__all__)


def test_the_signatures_of_the_library_are_the_documented_ones():
    signatures = re.findall(r"^```python\n(.*)\n```$", PYTHON.read_text("utf-8"), re.MULTILINE)
    functions = [
        *(stepbox.train, stepbox.load, stepbox.export),
        *(stepbox.trace, stepbox.taught, stepbox.load_dataset),
    ]
    for signature, function in zip(signatures, functions, strict=True):
        check_signature(signature, function)


@pytest.mark.parametrize("name", CLASSES)
def test_every_member_of_a_class_of_the_library_is_documented_and_exists(name):
    kind = getattr(stepbox, name)
    members = {*vars(kind), *inspect.signature(kind).parameters} - {"model_config"}
    documented = {
        signature.partition("(")[0]: signature
        for row in rows(PYTHON, f"`{name}`")
        for signature in codes(row[0])
    }
    assert documented.keys() == {
        member for member in members if not member.startswith(("_", "model_"))
    }
    for member, signature in documented.items():
        if "(" in signature:
            check_signature(signature, getattr(kind, member))
