"""The HTML pages. Their scripts fetch the data from the API."""

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request

from service.access.tokens import only_reads
from service.backend import backend
from service.web import schema_words
from service.web.glossary import GLOSSARY, TERMS, term
from service.web.status_words import EXAMPLE, REASONS
from service.web.training_form import form_fields, layer_types
from stepbox import allowed
from stepbox.analysis.expressions import FUNCTIONS
from stepbox.data.dataset import DatasetSpec
from stepbox.data.plane import GeneratedData
from stepbox.errors import DamagedModelError, NotFoundError
from stepbox.training.descriptions import DESCRIPTIONS
from stepbox.training.layer_options import MOST_LAYERS
from stepbox.training.presets import DEFAULT_RECIPE, RECIPES
from stepbox.training.space import VARIED

# `blob:` is for figures that become PNG files: they are drawn as images that the page itself made.
NO_FRAMES = "frame-ancestors 'none'"  # which no X-Frame-Options contradicts
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    f"connect-src 'self'; base-uri 'none'; form-action 'none'; {NO_FRAMES}; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

PLAIN_PAGES = ("data", "models", "system")  # their templates need no values
# What the playground shows first; js/playground/settings.js writes the same request.
FIRST_POINTS = "/generated?generate=spiral&classes=3&samples=300&noise=0.05&seed=0"
FIRST_FIELDS = ("epochs", "learning_rate", "hidden_sizes", "layers", "batch_size", "seed")
CONTENTS = {"mnist": "handwritten digits", "fashion-mnist": "pictures of clothes, shoes and bags"}

blueprint = Blueprint("pages", __name__)  # which the OpenAPI document does not include


@blueprint.get("/")
def jobs() -> Response:
    """Start a training, watch the current one, and list all of them."""
    specs = _offered()
    fields = form_fields(_titles(specs))
    return _page(
        "jobs",
        recipes={name: words.split(". ", 1) for name, words in DESCRIPTIONS.items()},
        default=DEFAULT_RECIPE,
        datasets={key: _words(spec) for key, spec in specs.items()},
        together="compare" in request.args,
        default_dataset=RECIPES[DEFAULT_RECIPE].dataset,
        layer_types=json.dumps(layer_types()),  # in the order of the API, which tojson sorts
        most_layers=MOST_LAYERS,
        first=[field for name in FIRST_FIELDS for field in fields if field.name == name],
        rest=[field for field in fields if field.name not in FIRST_FIELDS],
    )


@blueprint.get("/ui/jobs/<id>")
def job(id: str) -> Response:
    """Show one training."""
    return _page("job", section="jobs", id=id)


@blueprint.get("/ui/sweeps")
def sweeps() -> Response:
    """Start a sweep, and list all of them."""
    specs = _offered()
    fields = form_fields({})
    return _page(
        "sweeps",
        recipes=list(DESCRIPTIONS),
        default=DEFAULT_RECIPE,
        datasets=_titles(specs),
        varied=[
            field._asdict()
            | {"limits": field.limits and field.limits._asdict(), "choices": list(field.choices)}
            for name in VARIED
            for field in fields
            if field.name == name and field.kind != "layers"
        ],
    )


@blueprint.get("/ui/sweeps/<id>")
def sweep(id: str) -> Response:
    """Show one sweep."""
    return _page("sweep", section="sweeps", id=id)


@blueprint.get("/ui/data/<ref>")
def dataset(ref: str) -> Response:
    """Show one data set."""
    return _page("dataset", section="data", ref=ref)


@blueprint.get("/ui/models/<ref>")
def model(ref: str) -> Response:
    """Show one model."""
    return _page("model", section="models", ref=ref)


@blueprint.get("/ui/models/<ref>/steps")
def steps(ref: str) -> Response:
    """Show one step of a model's training."""
    return _page("steps", section="models", ref=ref)


@blueprint.get("/ui/predict")
def predict() -> Response:
    """Let models predict what people draw or enter."""
    reference = request.args.get("models", "").partition(",")[0].strip()
    try:
        kind = backend().models.card(reference).dataset.kind if reference else "images"
    except (NotFoundError, DamagedModelError):
        kind = "images"  # the page says that there is no such model
    return _page("predict", kind=kind)


@blueprint.get("/ui/playground")
def playground() -> Response:
    """Train networks of two inputs, and draw them while they learn."""
    return _page("playground", requests=[] if request.args else [FIRST_POINTS])


@blueprint.get("/ui/mathematics")
def mathematics() -> Response:
    """Explore the mathematics interactively."""
    return _page("mathematics", functions=FUNCTIONS)


@blueprint.get(GLOSSARY)
def glossary() -> Response:
    """Explain the terms."""
    return _page("glossary")


@blueprint.app_context_processor
def add_terms() -> dict[str, Any]:
    """Let all templates explain terms."""
    return {"terms": TERMS, "term": term}


@blueprint.get("/docs")
def docs() -> Response:
    """Describe the API, from the OpenAPI document, and try it."""
    document = current_app.extensions["openapi"]
    anchors = schema_words.operation_anchors(document)
    return _page(
        "docs",
        document=document,
        anchors=anchors,
        words=schema_words,
        reasons=REASONS,
        example=json.dumps(EXAMPLE, indent=2),
        settings=backend().settings,
        allowed=allowed,
        reads=only_reads,
    )


def _page(name: str, section: str = "", **values: Any) -> Response:
    origins = backend().settings.embedding_origins
    embedded = "embed" in request.args
    text = render_template(
        f"{name}.html",
        script=name,
        section=section or name,
        # A browser cannot preload a request that needs a token.
        open=not backend().tokens,
        needs_token=bool(backend().tokens),
        embedded=embedded,
        embed_origins=origins,
        **values,
    )
    policy = POLICY
    if embedded and origins:
        policy = POLICY.replace(NO_FRAMES, f"frame-ancestors {' '.join(origins)}")
    return Response(text, headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"})


for _name in PLAIN_PAGES:
    blueprint.add_url_rule(f"/ui/{_name}", _name, partial(_page, _name))


@cache
def _generated() -> dict[str, DatasetSpec]:
    """Return the generated data sets of the named recipes, by their names."""
    found = {}
    for recipe in RECIPES.values():
        if data := GeneratedData.of_name(recipe.dataset):
            found[recipe.dataset] = data.splits()["train"].spec
    return found


def _offered() -> dict[str, DatasetSpec]:
    """Return the data sets to choose from, by their keys in recipes."""
    generated = _generated()
    specs = (spec for spec in backend().datasets.specs() if spec.name not in generated)
    return {spec.key: spec for spec in specs} | generated


def _titles(specs: Mapping[str, DatasetSpec]) -> dict[str, str]:
    """Return the titles of data sets by their keys; equal titles get the keys too."""
    counts = Counter(spec.title for spec in specs.values())
    return {
        key: f"{spec.title} ({key})" if counts[spec.title] > 1 else spec.title
        for key, spec in specs.items()
    }


def _words(spec: DatasetSpec) -> str:
    """Describe a data set in a sentence."""
    kind = "images" if spec.kind == "images" else "samples"
    contents = CONTENTS.get(spec.key, kind)
    if spec.kind == "images":
        height, width, *channels = spec.shape
        size = f"{width}×{height} pixels{' in color' if channels else ''}"
    else:
        size = "1 number" if spec.features == 1 else f"{spec.features:,} numbers"
    return (
        f"{spec.title}: {spec.train.samples:,} {contents} of {size}, "
        f"{len(spec.classes):,} classes; {spec.test.samples:,} others test the network."
    )
