"""POST /analysis/projection."""

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from service.api.analysis.blueprint import blueprint, json_response
from service.api.analysis.sample import SampleRequest
from service.backend import backend
from service.bodies.bounds import LAYERS_BYTES, Bound
from service.errors import problems
from service.model_figures import PROJECTED, PROJECTED_VALUES
from stepbox.analysis.projection import representation
from stepbox.data.dataset import scale_pixels
from stepbox.errors import InvalidInputError, NotFoundError
from stepbox.nn.activations import Array

Point = tuple[float, float]


class ProjectionRequest(SampleRequest):
    """A stored model, one of its layers, and perhaps a sample to place among the test samples."""

    model_config = ConfigDict(json_schema_extra={"example": {"model": "latest", "layer": 1}})

    model: str = Field(max_length=100, description="Id or alias of a model.")
    layer: int | None = Field(
        None,
        ge=0,
        description="0: the inputs. 1: the outputs of the first layer, and so on. The last layer "
        "outputs the logits. Default: the last layer.",
    )


class ProjectedImages(BaseModel):
    """Samples as points in the plane in which the test samples vary most."""

    shares: tuple[float, float] = Field(
        description="The share of the variance of these test samples along x and along y, 0 to 1."
    )
    points: list[Point] = Field(
        description="x and y of each test sample, in the order of `labels`, to four digits."
    )
    image: Point | None = Field(
        description="x and y of the sample in the request; null if it has none."
    )


class ProjectionAnswer(BaseModel):
    """The first test samples in two dimensions, before and after training."""

    model: str = Field(description="Id of the model.")
    dataset: str = Field(description="The data set whose test samples are projected.")
    layer: int = Field(description="The layer; 0: the inputs.")
    sizes: list[int] = Field(description="Number of inputs, then number of outputs of each layer.")
    labels: list[int] = Field(
        description=f"Classes of the first {PROJECTED:,} test samples, in the test set's order. If "
        f"the layer has over {PROJECTED_VALUES // PROJECTED:,} outputs, there are only as many "
        f"samples as have {PROJECTED_VALUES:,} outputs together."
    )
    before: ProjectedImages = Field(description="As the untrained network represents the samples.")
    after: ProjectedImages = Field(description="As the trained network represents the samples.")


@blueprint.post(
    "/projection", responses={200: ProjectionAnswer, **problems(400, 409, 415, 422, 503)}
)
@Bound(body_bytes=512 * 2**10, memory_bytes=LAYERS_BYTES * 3 // 2)
def projection(body: ProjectionRequest) -> Response:
    """Project the test samples onto the plane in which a layer's outputs for them vary most.

    The plane is found by principal component analysis (PCA), separately for the untrained and the
    trained network. Its axes have no meaning of their own, and the two figures differ in them.
    """
    try:
        card, trained = backend().models.load(body.model)
    except NotFoundError as error:
        raise InvalidInputError.at("/model", str(error)) from error
    sizes = [card.layers[0].inputs, *(spec.outputs for spec in card.layers)]
    layer = len(sizes) - 1 if body.layer is None else body.layer
    if layer >= len(sizes):
        raise InvalidInputError.at("/layer", f"must be from 0 to {len(sizes) - 1} for this model")
    sample = body.sample(card.dataset)
    found = []
    networks = [backend().models.load_initial(card.id)[1], trained]
    for network, one in zip(networks, backend().figures.projection(card.id, layer), strict=True):
        image = None
        if sample is not None:
            inputs = scale_pixels(sample[None], card.recipe.pixel_scale, network.dtype)
            [image] = _rounded(one.projection.points(representation(network, inputs, layer)))
        shares = _rounded(one.projection.shares[None])[0]
        found.append(ProjectedImages(shares=shares, points=_rounded(one.points), image=image))
    labels = backend().test_set(card).labels[: len(found[0].points)].tolist()
    before, after = found
    return json_response(
        ProjectionAnswer(
            model=card.id,
            dataset=card.recipe.dataset,
            layer=layer,
            sizes=sizes,
            labels=labels,
            before=before,
            after=after,
        )
    )


def _rounded(points: Array) -> list[Point]:
    """Round coordinates to four significant digits."""
    return [(float(f"{x:.4g}"), float(f"{y:.4g}")) for x, y in points.tolist()]
