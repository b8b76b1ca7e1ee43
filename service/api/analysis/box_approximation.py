"""POST /analysis/box-approximation."""

from typing import Annotated

from flask import Response
from pydantic import ConfigDict, Field

from service.api.analysis.base import (
    Answer,
    Matrix,
    Number,
    Request,
    Vector,
    answer_with,
    blueprint,
)
from service.api.analysis.box import StepNetwork
from service.errors import problems
from stepbox.analysis.boxes.approximation import (
    MOST_BOXES,
    MOST_RESOLUTION,
    MOST_WEIGHTS,
    NETWORK_UNASKED,
    Approximation,
    approximate_function,
)
from stepbox.analysis.expressions import FUNCTIONS, MAX_LENGTH
from stepbox.nn.network import Network

CONSTRUCTION = {
    (1, 1): "A box at each piece, as high as the function at its middle. Where a box ends its "
    "neighbour begins, and both steps there see the same number: one neuron does for both, with "
    "the difference of the heights. So n boxes take n + 1 hidden neurons instead of 2n.",
    (2, 2): "The first hidden layer steps at the n + 1 edges of x and of y; each neuron of the "
    "second is on inside one box, where 2 of its inputs say so. One hidden layer cannot do this: "
    "its neurons jump along whole lines, by the same amount all along, but crossing from one "
    "column of boxes to the next makes a different difference in different rows.",
    (2, 1): "Crossing from one column of boxes to the next makes the same difference in every row "
    "(the heights are aᵢ + bⱼ), so one hidden layer does: its neurons jump along whole lines. It "
    "is right on the square; outside of it the sum does not fall to 0.",
}


class BoxApproximationRequest(Request):
    """A function, and how many boxes or how small an error."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"function": "sin(3*x)", "bound": 3.0, "boxes": 16}}
    )

    function: str = Field(
        min_length=1,
        max_length=MAX_LENGTH,
        description="An expression in x, in two dimensions in x and y: numbers, pi, e, + - * / **, "
        f"parentheses, and {', '.join(FUNCTIONS)} (min and max take two values; step is 1 at 0). "
        "It must be finite, of at most 1e100, wherever it is evaluated.",
    )
    bound: Number = Field(ge=1e-6, le=1e6, description="B: the interval is [−B, B).")
    boxes: int | None = Field(
        None,
        ge=1,
        le=MOST_BOXES[1],
        description=f"Boxes along each axis; in two dimensions at most {MOST_BOXES[2]:,}, and "
        "fewer for functions that take long. Either this or `tolerance`.",
    )
    tolerance: Annotated[float, Field(gt=0, le=1e100, allow_inf_nan=False)] | None = Field(
        None,
        description="Largest error allowed; the fewest boxes along each axis that keep to it are "
        "found. No number is skipped: every smaller one is refuted by a point at which it fails. "
        "The number itself is measured, as `max_error` says.",
    )
    dimensions: int = Field(1, ge=1, le=2, description="1: a function of x; 2: of x and y.")
    include_network: bool = Field(
        False,
        description=f"Ask for the network above {NETWORK_UNASKED:,} boxes too; it may have at most "
        f"{MOST_WEIGHTS:,} weights.",
    )
    resolution: int | None = Field(
        None,
        ge=2,
        le=MOST_RESOLUTION[1],
        description=f"Most points of the curve (default {MOST_RESOLUTION[1]:,}), or of the grid "
        f"along each axis (at most {MOST_RESOLUTION[2]}, default 100).",
    )


class HiddenLayer(Answer):
    """A layer of step neurons."""

    weights: Matrix = Field(description="A row a neuron, a column an input.")
    biases: Vector = Field(description="One a neuron.")


class PlaneNetwork(Answer):
    """A network of one or two hidden layers of step neurons, from x and y to one number."""

    hidden: list[HiddenLayer] = Field(description="From the input on.")
    output_weights: Vector = Field(description="One a neuron of the last hidden layer.")
    output_bias: float

    @classmethod
    def of(cls, network: Network) -> "PlaneNetwork":
        """Read the weights of a network."""
        return cls(
            hidden=[
                HiddenLayer(weights=weights, biases=biases)
                for weights, biases in zip(network.weights[:-1], network.biases[:-1], strict=True)
            ],
            output_weights=network.weights[-1][0],
            output_bias=network.biases[-1][0],
        )


class Curve(Answer):
    """The picture in one dimension; up to 1,000 boxes it holds both ends of each."""

    x: Vector
    function: Vector
    approximation: Vector = Field(description="The network's output.")


class Grid(Answer):
    """The picture in two dimensions; entry [i][j] is at x[i], y[j]."""

    x: Vector
    y: Vector
    function: Matrix
    approximation: Matrix = Field(description="The network's output.")


class ErrorOfBoxes(Answer):
    """The error of some number of boxes."""

    boxes: int = Field(description="Along each axis.")
    neurons: int = Field(description="Hidden neurons.")
    max_error: float
    mean_square_error: float
    bound: float = Field(description="L·B/n.")


class Rate(Answer):
    """How the error falls with the number n of boxes along each axis."""

    slope: float = Field(
        description="L: the largest slope that was measured, summed over the axes. For a function "
        "with a jump or an upright tangent it has no limit, and what follows from it is no bound."
    )
    bound: float = Field(
        description="L·B/n: no point is further than B/n from the middle of its box."
    )
    constant: float = Field(description="n · max_error, at most L·B.")
    order: float | None = Field(
        description="p where the error falls as n^(−p), fitted to the table from 16 boxes on: near "
        "1 for Lipschitz functions whose turns these boxes resolve, below it for others. Null "
        "where fewer than two errors are above 0."
    )
    table: list[ErrorOfBoxes] = Field(description="The error of other numbers of boxes.")


class Growth(Answer):
    """What the same error costs in another dimension."""

    dimension: int
    boxes_per_axis: int = Field(
        description="As here: where the slopes along all axes sum to the same L, the bound L·B/n "
        "asks for the same n along each."
    )
    neurons: str = Field(
        description="Hidden neurons, d(n + 1) + n^d (n + 1 for d = 1), in decimal: exact, or from "
        "10^100 on rounded to four digits."
    )
    log10_neurons: float


class BoxApproximationAnswer(Answer):
    """A function by boxes."""

    function: str
    bound: float
    dimensions: int
    boxes: int = Field(description="Along each axis; given or found.")
    network: StepNetwork | PlaneNetwork | None = Field(
        description=f"All weights and biases; null above {NETWORK_UNASKED:,} boxes where it was "
        "not asked for."
    )
    hidden_layers: int
    neurons: int = Field(description="Hidden neurons of the network.")
    neurons_two_per_box: int = Field(
        description="Hidden neurons if neighbours shared none: two a box, in the plane five."
    )
    neurons_saved: int = Field(description="The difference of the two.")
    construction: str = Field(description="How the network is built, and why it has these layers.")
    max_error: float = Field(
        description="Largest |function − network| over `error_points` points: both ends and at "
        "least three inner points of each box along each axis, and 4,096 random ones (seed 0). "
        "Exact where the function rises or falls throughout each box, else a lower bound. It holds "
        "the rounding of the network's sums."
    )
    mean_square_error: float = Field(
        description="Mean of (function − network)² over the interval or square, by Gauss and "
        "Legendre's rule in each box; rough where a box holds whole turns of the function."
    )
    error_points: int = Field(description="Number of points that the error was measured at.")
    curve: Curve | None = Field(description="The picture in one dimension.")
    grid: Grid | None = Field(description="The picture in two dimensions.")
    rate: Rate
    growth: list[Growth] = Field(description="For 1 to 10 dimensions, and the 784 of a picture.")


@blueprint.post(
    "/box-approximation",
    summary="Approximate a function by boxes",
    responses={200: BoxApproximationAnswer, **problems(400, 413, 415, 422)},
)
def box_approximation(body: BoxApproximationRequest) -> Response:
    """Put boxes of equal width under a function, as a network of step neurons."""
    result = approximate_function(
        body.function,
        body.bound,
        boxes=body.boxes,
        tolerance=body.tolerance,
        dimensions=body.dimensions,
        include_network=body.include_network,
        resolution=body.resolution,
    )
    return answer_with(BoxApproximationAnswer, _described(body.function, result))


def _described(function: str, result: Approximation) -> dict[str, object]:
    boxes = result.boxes
    line = boxes.dimensions == 1
    values = {"function": result.function, "approximation": result.approximation}
    network = StepNetwork if line else PlaneNetwork
    return {
        "function": function,
        "bound": boxes.bound,
        "dimensions": boxes.dimensions,
        "boxes": boxes.boxes,
        "network": network.of(boxes.network) if result.include_network else None,
        "hidden_layers": boxes.hidden_layers,
        "neurons": boxes.neurons,
        "neurons_two_per_box": boxes.neurons_two_per_box,
        "neurons_saved": boxes.neurons_two_per_box - boxes.neurons,
        "construction": CONSTRUCTION[boxes.dimensions, boxes.hidden_layers],
        "max_error": result.error.largest,
        "mean_square_error": result.error.mean_square,
        "error_points": result.points,
        "curve": {"x": result.axes[0], **values} if line else None,
        "grid": None if line else {"x": result.axes[0], "y": result.axes[1], **values},
        "rate": result.rate,
        "growth": result.growth,
    }
