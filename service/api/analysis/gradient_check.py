"""POST /analysis/gradient-check."""

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from service.api.analysis.blueprint import blueprint, json_response
from service.api.analysis.sample import SampleRequest
from service.backend import backend
from service.bodies.bounds import LAYERS_BYTES, Bound
from service.errors import problems
from service.server.client_disconnected import raise_if_disconnected
from stepbox.analysis.gradient_check import LayerGradients, check_gradients
from stepbox.data.dataset import MOST_CLASSES, scale_pixels
from stepbox.errors import InvalidInputError, NotFoundError

PUBLISHED = (
    "`published` evaluates the activation's derivative at the activation instead of the "
    "pre-activation, and updates each layer's weights before the gradient passes through them. "
    "Neither changes the last layer's gradient, so it is right. All others are wrong."
)


class GradientCheckRequest(SampleRequest):
    """A stored model, and the sample at which to check its gradient."""

    model_config = ConfigDict(json_schema_extra={"example": {"model": "latest"}})

    model: str = Field(max_length=100, description="Id or alias of a model.")
    label: int | None = Field(
        None,
        ge=0,
        le=MOST_CLASSES - 1,
        description="Class of the `image` or `input`, which needs it. Without a sample, "
        "the first test sample of the data set is used.",
    )


class GradientCheckAnswer(BaseModel):
    """The true and the published gradient, compared with derivatives by complex step."""

    model: str = Field(description="Id of the model.")
    image: int | None = Field(
        description="Index of the test sample. Null if the request has its own."
    )
    label: int = Field(description="The sample's class.")
    learning_rate: float = Field(
        description="Learning rate of the model's recipe, which the published gradient uses."
    )
    loss: float = Field(description="Cross-entropy of the sample, in nats.")
    precision: str = Field(
        description="In which precision the model's weights are stored, and in which the check "
        "computes: always float64."
    )
    layers: list[LayerGradients] = Field(description="The layers, in order from the input.")
    deviations: str = Field(description="How the published gradient differs from the true one.")


@blueprint.post(
    "/gradient-check",
    responses={200: GradientCheckAnswer, **problems(400, 409, 413, 415, 422, 503)},
)
@Bound(body_bytes=512 * 2**10, memory_bytes=2 * LAYERS_BYTES)
def gradient_check(body: GradientCheckRequest) -> Response:
    """Compare backpropagation with complex-step derivatives, weight by weight."""
    if (body.image is None and body.input is None) != (body.label is None):
        missing = "/image" if body.label is not None else "/label"
        raise InvalidInputError.at(
            missing, "give 'image' (or 'input') and 'label' together, or neither"
        )
    try:
        card, network = backend().models.load(body.model)
    except NotFoundError as error:
        raise InvalidInputError.at("/model", str(error)) from None
    sample, label = body.sample(card.dataset), body.label
    if label is not None and label >= len(card.classes):
        raise InvalidInputError.at("/label", f"must be from 0 to {len(card.classes) - 1}")
    is_own = sample is not None
    if sample is None or label is None:
        test_set = backend().test_set(card)
        sample, label = test_set.take(slice(1))[0], int(test_set.labels[0])
    inputs = scale_pixels(sample[None], card.recipe.pixel_scale)[0]
    learning_rate = card.recipe.learning_rate
    check = check_gradients(network, inputs, label, learning_rate, go_on=raise_if_disconnected)
    return json_response(
        GradientCheckAnswer(
            model=card.id,
            image=None if is_own else 0,
            label=label,
            learning_rate=learning_rate,
            loss=check.loss,
            precision=check.precision,
            layers=check.layers,
            deviations=PUBLISHED,
        )
    )
