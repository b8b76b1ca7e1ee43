"""The links of the OpenAPI document.

A link says which operation can follow a response, and with which values of it. Readers and tools
such as `make fuzz` use the links.
"""

from typing import Any, NamedTuple


class Operation(NamedTuple):
    """An operation of the document."""

    method: str
    path: str


class Link(NamedTuple):
    """An operation that takes values from the request or the response of another."""

    name: str
    target: Operation
    parameters: dict[str, str]
    body: Any = None
    description: str = ""


TRAIN = Operation("post", "/train")
JOBS = Operation("get", "/jobs")
JOB = Operation("get", "/jobs/{id}")
DELETE_JOB = Operation("delete", "/jobs/{id}")
EVENTS = Operation("get", "/jobs/{id}/events")
CANCEL = Operation("post", "/jobs/{id}/cancel")
MODELS = Operation("get", "/models")
MODEL = Operation("get", "/models/{ref}")
DELETE_MODEL = Operation("delete", "/models/{ref}")
WEIGHTS = Operation("get", "/models/{ref}/weights")
HISTOGRAMS = Operation("get", "/models/{ref}/histograms")
FIRST_LAYER = Operation("get", "/models/{ref}/first-layer")
FIRST_LAYER_IMAGE = Operation("get", "/models/{ref}/first-layer.png")
CONFUSION = Operation("get", "/models/{ref}/confusion/{true}/{predicted}")
INFER = Operation("post", "/v2/models/{ref}/infer")
METADATA = Operation("get", "/v2/models/{ref}")
READY = Operation("get", "/v2/models/{ref}/ready")
VERSION = Operation("get", "/v2/models/{ref}/versions/1")
VERSION_READY = Operation("get", "/v2/models/{ref}/versions/1/ready")
VERSION_INFER = Operation("post", "/v2/models/{ref}/versions/1/infer")
PREDICT = Operation("post", "/predict")
ALIAS = Operation("put", "/aliases/{name}")
REMOVE_ALIAS = Operation("delete", "/aliases/{name}")
DATASETS = Operation("get", "/datasets")
IMAGES = Operation("get", "/datasets/{name}/test")
IMAGE = Operation("get", "/datasets/{name}/test/{index}.png")

_ID = {"id": "$response.body#/id"}
_SAME_ID = {"id": "$request.path.id"}
_REF = {"ref": "$response.body#/id"}
_SAME_REF = {"ref": "$request.path.ref"}
_NAME = {"name": "$request.path.name"}


def _of_job(parameters: dict[str, str]) -> list[Link]:
    return [
        Link("Job", JOB, parameters),
        Link("Events", EVENTS, parameters),
        Link("Cancel", CANCEL, parameters),
    ]


# The links of each operation, by the status of its response.
LINKS: dict[tuple[Operation, str], list[Link]] = {
    (TRAIN, "202"): _of_job(_ID),
    (JOBS, "200"): [
        *_of_job({"id": "$response.body#/jobs/0/id"}),
        Link("NextPage", JOBS, {"after": "$response.body#/next"}),
    ],
    (JOB, "200"): [
        Link("Events", EVENTS, _ID),
        Link("Cancel", CANCEL, _ID),
        Link("Delete", DELETE_JOB, _ID, description="Once it has ended."),
        Link(
            "Model", MODEL, {"ref": "$response.body#/model"}, description="Once it has succeeded."
        ),
    ],
    (CANCEL, "202"): [Link("Job", JOB, _SAME_ID), Link("Events", EVENTS, _SAME_ID)],
    (MODELS, "200"): [
        Link("Newest", MODEL, {"ref": "$response.body#/models/0/id"}),
        Link("NextPage", MODELS, {"after": "$response.body#/next"}),
    ],
    (MODEL, "200"): [
        *(
            Link(name, target, _REF)
            for name, target in (
                ("Weights", WEIGHTS),
                ("Histograms", HISTOGRAMS),
                ("FirstLayer", FIRST_LAYER),
                ("FirstLayerPicture", FIRST_LAYER_IMAGE),
                ("Confusion", CONFUSION),
                ("Metadata", METADATA),
                ("Delete", DELETE_MODEL),
            )
        ),
        Link("Predict", PREDICT, {"model": "$response.body#/id"}),
        Link("Alias", ALIAS, {}, body={"model": "$response.body#/id"}),
    ],
    (ALIAS, "200"): [
        Link("Model", MODEL, {"ref": "$request.path.name"}),
        Link("Predict", PREDICT, {"model": "$request.path.name"}),
        Link("Remove", REMOVE_ALIAS, _NAME),
    ],
    (METADATA, "200"): [
        Link("Ready", READY, _SAME_REF),
        Link("Infer", INFER, _SAME_REF),
        Link("Version", VERSION, _SAME_REF),
    ],
    (VERSION, "200"): [
        Link("Ready", VERSION_READY, _SAME_REF),
        Link("Infer", VERSION_INFER, _SAME_REF),
    ],
    (DATASETS, "200"): [
        Link("Pictures", IMAGES, {"name": "$response.body#/datasets/0/name"}),
        Link("Picture", IMAGE, {"name": "$response.body#/datasets/0/name"}),
    ],
}


def add_links(document: dict[str, Any]) -> None:
    """Add the links to the document."""
    paths = document["paths"]
    for ((method, path), status), links in LINKS.items():
        paths[path][method]["responses"][status]["links"] = {
            link.name: _object(paths, link) for link in links
        }


def _object(paths: dict[str, Any], link: Link) -> dict[str, Any]:
    method, path = link.target
    members: dict[str, Any] = {"operationId": paths[path][method]["operationId"]}
    if link.parameters:
        members["parameters"] = link.parameters
    if link.body is not None:
        members["requestBody"] = link.body
    if link.description:
        members["description"] = link.description
    return members
