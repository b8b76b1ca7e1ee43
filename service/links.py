"""The links of the OpenAPI document.

A link says which operation can follow a response, and which values to pass to it. Readers and
tools such as `make fuzz` use the links.
"""

from typing import Any, NamedTuple


class Link(NamedTuple):
    """An operation that takes values from the request or the response of another, its source."""

    source: str  # method and path
    name: str
    target: str  # method and path
    parameters: dict[str, str]
    description: str = ""
    body: Any = None


_ID = {"id": "$response.body#/id"}
_FIRST_JOB = {"id": "$response.body#/jobs/0/id"}
_FIRST_DELIVERY = {"id": "$response.body#/deliveries/0/id"}
_SAME_ID = {"id": "$request.path.id"}
_REF = {"ref": "$response.body#/id"}
_MODEL_OF_JOB = {"ref": "$response.body#/model"}
_SAME_REF = {"ref": "$request.path.ref"}
_MODEL = {"model": "$response.body#/id"}
_FIRST_DATASET = {"ref": "$response.body#/datasets/0/id"}
_DATASET = {"ref": "$response.body#/id"}
_SAME_NAME = {"name": "$request.path.name"}
_LAYER = "/models/{ref}/layers/{layer}"
_MODEL_AND_LAYER = {"ref": "$response.body#/model", "layer": "$response.body#/layers/0/layer"}
_VERSION = "/v2/models/{ref}/versions/1"

LINKS = [
    Link("post /train", "Job", "get /jobs/{id}", _ID),
    Link("post /train", "Events", "get /jobs/{id}/events", _ID),
    Link("post /train", "Cancel", "post /jobs/{id}/cancel", _ID),
    Link("get /jobs", "Job", "get /jobs/{id}", _FIRST_JOB),
    Link("get /jobs", "Events", "get /jobs/{id}/events", _FIRST_JOB),
    Link("get /jobs", "Cancel", "post /jobs/{id}/cancel", _FIRST_JOB),
    Link("get /jobs", "NextPage", "get /jobs", {"after": "$response.body#/next"}),
    Link("get /jobs/{id}", "Events", "get /jobs/{id}/events", _ID),
    Link("get /jobs/{id}", "Cancel", "post /jobs/{id}/cancel", _ID),
    Link("get /jobs/{id}", "Label", "patch /jobs/{id}", _ID),
    Link("get /jobs/{id}", "Delete", "delete /jobs/{id}", _ID, "Once it has ended."),
    Link("get /jobs/{id}", "Model", "get /models/{ref}", _MODEL_OF_JOB, "Once it has succeeded."),
    Link("post /predictions", "Job", "get /jobs/{id}", _ID),
    Link("post /predictions", "Prediction", "get /predictions/{id}", _ID, "Once it has succeeded."),
    Link("get /predictions/{id}", "Result", "get /predictions/{id}/result", _SAME_ID),
    Link("post /jobs/{id}/cancel", "Job", "get /jobs/{id}", _SAME_ID),
    Link("post /jobs/{id}/cancel", "Events", "get /jobs/{id}/events", _SAME_ID),
    Link("get /jobs/{id}", "Webhook", "get /webhooks/{id}", _ID, "Once it has ended."),
    Link("get /webhooks", "NextPage", "get /webhooks", {"after": "$response.body#/next"}),
    Link("get /webhooks", "Delivery", "get /webhooks/{id}", _FIRST_DELIVERY),
    Link("get /webhooks/{id}", "Job", "get /jobs/{id}", _ID),
    Link("get /webhooks/{id}", "Retry", "post /webhooks/{id}/retry", _ID),
    Link("post /sweeps", "Sweep", "get /sweeps/{id}", _ID),
    Link("post /sweeps", "Events", "get /sweeps/{id}/events", _ID),
    Link("post /sweeps", "Cancel", "post /sweeps/{id}/cancel", _ID),
    Link("get /sweeps", "Sweep", "get /sweeps/{id}", {"id": "$response.body#/sweeps/0/id"}),
    Link("get /sweeps", "NextPage", "get /sweeps", {"after": "$response.body#/next"}),
    Link("get /sweeps/{id}", "Events", "get /sweeps/{id}/events", _ID),
    Link("get /sweeps/{id}", "Cancel", "post /sweeps/{id}/cancel", _ID),
    Link("get /sweeps/{id}", "Winner", "post /sweeps/{id}/winner", _ID, "Once it has ended."),
    Link("get /sweeps/{id}", "Job", "get /jobs/{id}", _ID),
    Link("post /sweeps/{id}/cancel", "Sweep", "get /sweeps/{id}", _SAME_ID),
    Link("post /sweeps/{id}/winner", "Job", "get /jobs/{id}", _ID),
    Link("get /models", "Newest", "get /models/{ref}", {"ref": "$response.body#/models/0/id"}),
    Link("get /models", "NextPage", "get /models", {"after": "$response.body#/next"}),
    Link("get /models/{ref}", "Weights", "get /models/{ref}/weights", _REF),
    Link("get /models/{ref}", "Export", "get /models/{ref}/export", _REF),
    Link("get /models/{ref}", "Reproduce", "post /models/{ref}/reproduce", _REF),
    Link("get /models/{ref}", "Histograms", "get /models/{ref}/histograms", _REF),
    Link("get /models/{ref}", "FirstLayer", "get /models/{ref}/first-layer", _REF),
    Link("get /models/{ref}", "FirstLayerPicture", "get /models/{ref}/first-layer.png", _REF),
    Link("get /models/{ref}", "Layers", "get /models/{ref}/layers", _REF),
    Link("get /models/{ref}", "FeatureMaps", "get /models/{ref}/feature-maps", _REF),
    Link("get /models/{ref}", "Attribution", "get /models/{ref}/attribution", _REF),
    Link(
        "get /models/{ref}/feature-maps",
        "Picture",
        "get /models/{ref}/feature-maps/{layer}.png",
        _MODEL_AND_LAYER,
    ),
    Link("get /models/{ref}/layers", "Filters", f"get {_LAYER}/filters", _MODEL_AND_LAYER),
    Link("get /models/{ref}/layers", "Picture", f"get {_LAYER}/filters.png", _MODEL_AND_LAYER),
    Link("get /models/{ref}", "Confusion", "get /models/{ref}/confusion/{true}/{predicted}", _REF),
    Link("get /models/{ref}", "Metadata", "get /v2/models/{ref}", _REF),
    Link("get /models/{ref}", "Label", "patch /models/{ref}", _REF),
    Link("get /models/{ref}", "Delete", "delete /models/{ref}", _REF),
    Link("get /models/{ref}", "Predict", "post /predict", _MODEL),
    Link("get /models/{ref}", "Alias", "put /aliases/{name}", {}, body=_MODEL),
    Link("put /aliases/{name}", "Model", "get /models/{ref}", {"ref": "$request.path.name"}),
    Link("put /aliases/{name}", "Predict", "post /predict", {"model": "$request.path.name"}),
    Link("put /aliases/{name}", "Alias", "get /aliases/{name}", _SAME_NAME),
    Link("put /aliases/{name}", "RollBack", "post /aliases/{name}/rollback", _SAME_NAME),
    Link("put /aliases/{name}", "Remove", "delete /aliases/{name}", _SAME_NAME),
    Link("get /v2/models/{ref}", "Ready", "get /v2/models/{ref}/ready", _SAME_REF),
    Link("get /v2/models/{ref}", "Infer", "post /v2/models/{ref}/infer", _SAME_REF),
    Link("get /v2/models/{ref}", "Version", f"get {_VERSION}", _SAME_REF),
    Link(f"get {_VERSION}", "Ready", f"get {_VERSION}/ready", _SAME_REF),
    Link(f"get {_VERSION}", "Infer", f"post {_VERSION}/infer", _SAME_REF),
    Link("post /workers/{name}/drain", "Resume", "post /workers/{name}/resume", _SAME_NAME),
    Link("get /datasets", "Dataset", "get /datasets/{ref}", _FIRST_DATASET),
    Link("get /datasets/{ref}", "Samples", "get /datasets/{ref}/{split}", _DATASET),
    Link("get /datasets/{ref}", "Picture", "get /datasets/{ref}/{split}/{index}.png", _DATASET),
    Link("get /datasets/{ref}", "Sheet", "get /datasets/{ref}/sheet.png", _DATASET),
    Link("get /datasets/{ref}", "Summary", "get /datasets/{ref}/summary", _DATASET),
    Link("get /datasets/{ref}", "Means", "get /datasets/{ref}/means.png", _DATASET),
    Link("get /datasets/{ref}", "Delete", "delete /datasets/{ref}", _DATASET),
]


def add_links(document: dict[str, Any]) -> None:
    """Add each link to the successful responses of its source."""

    def operation(method_and_path: str) -> Any:
        method, path = method_and_path.split()
        return document["paths"][path][method]

    for link in LINKS:
        members = {
            "operationId": operation(link.target)["operationId"],
            "parameters": link.parameters,
            "requestBody": link.body,
            "description": link.description,
        }
        for status, response in operation(link.source)["responses"].items():
            if status.startswith("2"):
                links = response.setdefault("links", {})
                links[link.name] = {key: value for key, value in members.items() if value}
