"""POST /analysis/gradient-check."""

import numpy as np
from flask import Response
from pydantic import ConfigDict, Field

from service.api.analysis.base import Answer, Request, answer_with, blueprint
from service.api.predict.images import Image
from service.backend import backend
from service.errors import problems
from service.server.leaving import stop_if_left
from stepbox.analysis.gradient_check import ALL_CHECKED, check_gradients
from stepbox.data.dataset import scale_pixels
from stepbox.errors import InvalidInputError, NotFoundError

PUBLISHED = (
    "`published` evaluates the activation's derivative at the activation instead of the "
    "pre-activation, and updates each layer's weights before the gradient passes through them. "
    "The last layer's gradient comes before both, and is right; all others are not."
)


class GradientCheckRequest(Request):
    """A stored model, and the picture to check its gradient at."""

    model_config = ConfigDict(json_schema_extra={"example": {"model": "latest"}})

    model: str = Field(max_length=100, description="Id or alias of a model.")
    image: Image | None = Field(
        None,
        description="28×28 numbers, 0 (dark) to 255, light on dark, with its `label`. Where not "
        "given: the first test picture of the model's data set.",
    )
    label: int | None = Field(None, ge=0, le=9, description="Class of the `image`.")


class LayerGradients(Answer):
    """One layer's gradients against the truth."""

    layer: int = Field(description="Index of the layer, 0 next to the pixels.")
    inputs: int = Field(description="Neurons that it takes its input from.")
    outputs: int = Field(description="Its neurons.")
    weights: int = Field(description="Number of its weights.")
    checked: int = Field(
        description=f"Number of weights that were compared: all up to {ALL_CHECKED:,}, else a "
        "sample drawn with seed 0, smaller where wide layers follow."
    )
    largest: float = Field(
        description="Largest derivative among these; 0 where the network is saturated."
    )
    exact: float = Field(
        description="Largest relative difference of our backpropagation from the complex-step "
        "derivative: |a − b| / max(|a|, |b|), from 0 to 2. It is the rounding of float64: about "
        "1e-15, and more the surer the model is, where y − t cancels. Derivatives under a "
        "millionth of the layer's largest count as that millionth."
    )
    published: float = Field(
        description='The same of the gradient that `"gradient": "published"` computes: 1 '
        "where one of the two is 0, 2 where they are opposite."
    )
    published_distance: float = Field(
        description="Distance of that gradient from the truth, as vectors of the checked weights, "
        "as a part of the longer one."
    )


class GradientCheckAnswer(Answer):
    """Backpropagation against a derivative that knows nothing of it."""

    model: str = Field(description="Id of the model.")
    image: int | None = Field(
        description="Index of the test picture; null where the request brought its own."
    )
    label: int = Field(description="The picture's class.")
    learning_rate: float = Field(
        description="Of the model's recipe; the published kind updates with it on the way."
    )
    loss: float = Field(description="Cross-entropy of the picture, in nats.")
    layers: list[LayerGradients] = Field(description="From the pixels to the classes.")
    deviations: str = Field(description="What the published kind does otherwise.")


@blueprint.post(
    "/gradient-check",
    summary="Check a model's gradient",
    responses={200: GradientCheckAnswer, **problems(400, 409, 413, 415, 422, 503)},
)
def gradient_check(body: GradientCheckRequest) -> Response:
    """Compare backpropagation with a complex-step derivative, weight by weight."""
    if (body.image is None) != (body.label is None):
        missing = "/image" if body.image is None else "/label"
        raise InvalidInputError.at(missing, "'image' and 'label' are given together or not at all")
    try:
        card, network = backend().models.load(body.model)
    except NotFoundError as error:
        raise InvalidInputError.at("/model", str(error)) from None
    if body.image is None or body.label is None:
        test_set = backend().dataset(card.recipe.dataset)
        image, label = test_set.images[0], int(test_set.labels[0])
    else:
        image, label = np.array(body.image, dtype=np.float64), body.label
    inputs = scale_pixels(image[None], card.recipe.pixel_scale)[0]
    learning_rate = card.recipe.learning_rate
    check = check_gradients(network, inputs, label, learning_rate, go_on=stop_if_left)
    return answer_with(
        GradientCheckAnswer,
        {
            "model": card.id,
            "image": 0 if body.image is None else None,
            "label": label,
            "learning_rate": learning_rate,
            "loss": check.loss,
            "layers": check.layers,
            "deviations": PUBLISHED,
        },
    )
