"""What a training has learned so far: the weights of its first layer, and the images it misreads.

Both come from the last checkpoint of the job. The network is not run for them.
"""

from collections.abc import Callable
from typing import Any

from flask import Response, request
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field

from service.api.jobs import TAG, JobPath
from service.api.layers import NeuronQuery, first_with_weights, listed
from service.api.mistakes import Misread, PartQuery, misread
from service.api.predict.explain import Values
from service.api.rounding import WEIGHT_DIGITS, rounded
from service.api.samples import json_of
from service.backend import backend
from service.bodies.bounds import LAYERS_BYTES, Bound
from service.errors import problems
from service.live_trainings import LiveTraining
from service.model_figures import in_shape
from stepbox.analysis.inspection import by_confidence

blueprint = APIBlueprint("live", __name__, abp_tags=[TAG])

OTHERS: dict[int | str, Any] = {
    204: {"description": "No checkpoint: none has been written yet, or the job has ended."},
    304: {"description": "Unchanged."},
    **problems(404, 422, 503),
}


class LiveNeuron(BaseModel):
    """A neuron of a dense layer, or a filter of a convolution, with its current weights."""

    neuron: int = Field(description="Index of the neuron or the filter in the layer, from 0.")
    weights: Values = Field(description="The weights in the shape of its input, to four digits.")


class LiveLayer(BaseModel):
    """The first layer with weights, as the last checkpoint of a running training has it."""

    job: str = Field(description="Id of the job.")
    epochs: int = Field(description="Number of complete epochs; 0 is before the training.")
    samples: int = Field(description="Samples seen in the next epoch; 0 between two epochs.")
    layer: int = Field(description="Index of the layer, from 0.")
    count: int = Field(description="Number of neurons or filters in the layer.")
    columns: list[str] | None = Field(
        description="Names of the columns of a vector, in the order of the weights; null for "
        "images, or without names."
    )
    neurons: list[LiveNeuron] = Field(description="The neurons or filters by their index.")


class LiveMistakes(BaseModel):
    """The test images that a running training got wrong in its last evaluation."""

    job: str = Field(description="Id of the job.")
    epoch: int = Field(description="The epoch after which it was evaluated; 0 is before training.")
    dataset: str = Field(description="The data set of the test images.")
    count: int = Field(description="Number of such images, of which `images` lists a part.")
    total: int = Field(description="Number of all test images.")
    images: list[Misread] = Field(
        description="The images by descending probability of the predicted class."
    )


@blueprint.get("/jobs/<id>/first-layer", responses={200: LiveLayer, **OTHERS})
@Bound(memory_bytes=LAYERS_BYTES)
def live_first_layer(path: JobPath, query: NeuronQuery) -> Response:
    """List the neurons or filters of the first layer with weights, while a job trains them.

    Batch normalization and the standardization of the inputs are folded into the weights, as in a
    model. With `If-None-Match`, an unchanged response is not sent again.
    """

    def answer(training: LiveTraining) -> dict[str, Any]:
        recipe, figures = training.recipe, training.figures
        spec = backend().datasets.spec(recipe.dataset)
        layers = recipe.layer_specs(spec)
        number = first_with_weights(layers)
        weights = in_shape(figures.weights, layers[number])
        return {
            "job": path.id,
            "epochs": figures.epochs,
            "samples": figures.samples,
            "layer": number,
            "count": len(weights),
            "columns": spec.columns,
            "neurons": [
                {"neuron": neuron, "weights": rounded(values, WEIGHT_DIGITS)}
                for neuron, values in enumerate(weights[: listed(weights, query.limit)])
            ],
        }

    return _latest(path.id, answer)


@blueprint.get("/jobs/<id>/mistakes", responses={200: LiveMistakes, **OTHERS})
@Bound(memory_bytes=LAYERS_BYTES)
def live_mistakes(path: JobPath, query: PartQuery) -> Response:
    """List the test images that a running training got wrong in its last evaluation.

    There is an evaluation before the training, and one after each epoch. With `If-None-Match`, an
    unchanged response is not sent again.
    """

    def answer(training: LiveTraining) -> dict[str, Any]:
        predictions = training.figures.predictions
        test_set = backend().dataset(training.recipe.dataset, "test")
        found = by_confidence([predictions], predictions.classes != test_set.labels)
        page = found[query.offset : query.offset + query.limit]
        return {
            "job": path.id,
            "epoch": training.figures.predicted_epoch,
            "dataset": training.recipe.dataset,
            "count": len(found),
            "total": len(test_set.labels),
            "images": misread(test_set, page, predictions),
        }

    return _latest(path.id, answer)


def _latest(job: str, answer: Callable[[LiveTraining], dict[str, Any]]) -> Response:
    """Respond with what a job has learned, unless the client has it already."""
    training = backend().live.latest(backend().jobs, job)
    if training is None:
        return Response(status=204)
    if request.if_none_match.contains_weak(training.version):
        response = Response(status=304)
    else:
        with backend().figures.turn:  # at most two such large responses at a time
            response = json_of(answer(training))
    response.set_etag(training.version, weak=True)
    response.cache_control.no_cache = True
    return response
