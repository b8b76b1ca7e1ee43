"""The answer of `approximate_function`."""

from typing import Literal

from pydantic import Field

from stepbox.analysis.boxes.box import StepNetwork
from stepbox.analysis.boxes.minimality import Minimality
from stepbox.analysis.boxes.rate import Growth, Rate
from stepbox.analysis.boxes.sum import PlaneNetwork
from stepbox.analysis.result import Matrix, Result, Vector

Widths = Literal["equal", "free"]
NETWORK_UNASKED = 1_000  # up to this many boxes, the network is always in the answer


class Curve(Result):
    """The plot in one dimension. It has both ends of each box if there are enough points."""

    x: Vector = Field(description="Coordinates, shape (points,).")
    function: Vector = Field(description="The function there, shape (points,).")
    approximation: Vector = Field(description="The network's output there, shape (points,).")


class Grid(Result):
    """The plot in two dimensions. Entry [i][j] is the value at x[i], y[j]."""

    x: Vector = Field(description="Coordinates along x.")
    y: Vector = Field(description="Coordinates along y.")
    function: Matrix = Field(description="The function, shape (points along x, points along y).")
    approximation: Matrix = Field(
        description="The network's output, shape (points along x, points along y)."
    )


class BoxApproximationAnswer(Result):
    """A function, and the sum of boxes that approximates it."""

    function: str
    bound: float
    dimensions: int
    widths: Widths
    boxes: int = Field(
        description="Number of boxes along each axis, as given or found. Of free widths, it is "
        "smaller than the given number if more boxes have no smaller error."
    )
    network: StepNetwork | PlaneNetwork | None = Field(
        description=f"All weights and biases. Null above {NETWORK_UNASKED:,} boxes, unless "
        "`include_network` is true."
    )
    hidden_layers: int
    neurons: int = Field(description="Number of hidden neurons in the network.")
    neurons_two_per_box: int = Field(
        description="Number of hidden neurons if boxes shared none: two per box, five in the plane."
    )
    neurons_saved: int = Field(description="`neurons_two_per_box` − `neurons`.")
    construction: str = Field(
        description="How the network is built, and why it has this number of layers."
    )
    max_error: float | None = Field(
        description="In one dimension, a proven upper bound of |function − network| at all float64 "
        "numbers in [−bound, bound) where the function has a value. Numbers in the function are "
        "read as float64. For most functions the bound exceeds the largest error by less than a "
        "billionth of it. Null if no finite bound was found. In two dimensions, the same as "
        "`sampled_error`."
    )
    max_error_proven: bool = Field(
        description="Whether `max_error` is proven: true in one dimension, unless it is null."
    )
    max_error_explanation: str = Field(
        description="What is known of the largest error, or why `max_error` is null."
    )
    sampled_error: float = Field(
        description="Largest |function − network| at `error_points` points: both ends and at least "
        "three inner points of each box along each axis, and 4,096 random points (seed 0). It is a "
        "lower bound of the largest error, apart from rounding."
    )
    mean_square_error: float = Field(
        description="Mean of (function − network)² over the interval or square, by Gauss–Legendre "
        "quadrature in each box. It is rough if the function oscillates within a box."
    )
    error_points: int = Field(description="Number of points where the error was measured.")
    curve: Curve | None = Field(description="The plot in one dimension.")
    grid: Grid | None = Field(description="The plot in two dimensions.")
    rate: Rate
    minimality: Minimality | None = Field(
        description="For free widths, the proof that fewer boxes without overlaps do not suffice."
    )
    growth: list[Growth] = Field(
        description="For 1 to 10 dimensions, and for 784, the number of pixels of an MNIST image."
    )
