"""The HTML pages. Their scripts fetch the data from the API."""

from functools import partial
from typing import Any, NamedTuple

from flask import Blueprint, Response, render_template

from service.allowed import main_schema, number_text, range_text
from stepbox.analysis.expressions import FUNCTIONS
from stepbox.data.builtin import DATASETS
from stepbox.data.dataset import DatasetSpec
from stepbox.training.presets import DEFAULT_RECIPE, RECIPES
from stepbox.training.recipe import DESCRIPTIONS, Recipe
from stepbox.training.request import TrainRequest

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

PLAIN_PAGES = ("models", "predict", "system")  # their templates need no values
FIRST_FIELDS = ("hidden_sizes", "epochs", "learning_rate", "batch_size", "seed")
CONTENTS = {"mnist": "handwritten digits", "fashion-mnist": "pictures of clothes, shoes and bags"}
LABELS = {"hidden_sizes": "Hidden layers", "dataset": "Data set", "pixel_scale": "Pixels"}

blueprint = Blueprint("pages", __name__)  # which the OpenAPI document does not include


class Range(NamedTuple):
    """The range of a number."""

    low: float
    high: float
    whole: bool


class FormField(NamedTuple):
    """A field of the training form."""

    name: str
    label: str
    kind: str  # type of the value in JSON: number, numbers (a list), boolean or string
    choices: list[str]
    allowed: str
    range: Range | None  # of a single number
    help: str


def form_fields() -> list[FormField]:
    """Return the fields of a recipe, with the ranges and descriptions of `TrainRequest`."""
    properties: dict[str, dict[str, Any]] = TrainRequest.model_json_schema()["properties"]
    return [
        _field(name, schema) for name, schema in properties.items() if name in Recipe.model_fields
    ]


@blueprint.get("/")
def jobs() -> Response:
    """Start a training, watch the current one, and list all of them."""
    fields = form_fields()
    return _page(
        "jobs",
        recipes=DESCRIPTIONS,
        default=DEFAULT_RECIPE,
        datasets={name: _words(spec) for name, spec in DATASETS.items()},
        default_dataset=RECIPES[DEFAULT_RECIPE].dataset,
        first=[field for name in FIRST_FIELDS for field in fields if field.name == name],
        rest=[field for field in fields if field.name not in FIRST_FIELDS],
    )


@blueprint.get("/ui/jobs/<id>")
def job(id: str) -> Response:
    """Show one training."""
    return _page("job", section="jobs", id=id)


@blueprint.get("/ui/models/<ref>")
def model(ref: str) -> Response:
    """Show one model."""
    return _page("model", section="models", ref=ref)


@blueprint.get("/ui/mathematics")
def mathematics() -> Response:
    """Explore the mathematics interactively."""
    return _page("mathematics", functions=FUNCTIONS)


def _page(name: str, section: str = "", **values: Any) -> Response:
    text = render_template(f"{name}.html", script=name, section=section or name, **values)
    return Response(text, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})


for _name in PLAIN_PAGES:
    blueprint.add_url_rule(f"/ui/{_name}", _name, partial(_page, _name))


def _words(spec: DatasetSpec) -> str:
    """Describe a data set in a sentence."""
    size = "×".join(map(str, spec.shape))
    unit = "pixels" if spec.kind == "images" else "numbers"
    return (
        f"{spec.name}: {spec.train_samples:,} {CONTENTS.get(spec.id, 'samples')} of {size} {unit}; "
        f"{spec.test_samples:,} others test the network."
    )


def _field(name: str, schema: dict[str, Any]) -> FormField:
    description = schema.get("description", "")
    schema = main_schema(schema)
    kinds = {"integer": "number", "number": "number", "boolean": "boolean", "array": "numbers"}
    kind = kinds.get(schema.get("type", ""), "string")
    choices = ["true", "false"] if kind == "boolean" else schema.get("enum", [])
    allowed = _range(schema)
    if kind == "numbers":
        count, each = schema.get("maxItems"), _range(schema.get("items", {}))
        allowed = f"Up to {count} numbers from {each}, separated by commas" if count else each
    return FormField(
        name=name,
        label=LABELS.get(name, name.replace("_", " ").capitalize()),
        kind=kind,
        choices=[str(choice) for choice in choices],
        allowed=allowed,
        range=_number_range(schema) if kind == "number" else None,
        help=description.replace("`", ""),
    )


def _range(schema: dict[str, Any]) -> str:
    above, high = schema.get("exclusiveMinimum"), schema.get("maximum")
    if above is not None and high is not None:
        return f"Above {number_text(above)}, up to {number_text(high)}"
    return range_text(schema)


def _number_range(schema: dict[str, Any]) -> Range:
    low: float = schema["minimum"] if "minimum" in schema else schema["exclusiveMinimum"]
    return Range(low=low, high=schema["maximum"], whole=schema["type"] == "integer")
