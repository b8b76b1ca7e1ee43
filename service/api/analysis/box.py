"""POST /analysis/box."""

from typing import Annotated

import numpy as np
from flask import Response
from pydantic import ConfigDict, Field

from service.api.analysis.base import (
    Answer,
    Number,
    Numbers,
    Request,
    Vector,
    answer_with,
    blueprint,
)
from service.errors import problems
from stepbox.analysis.boxes.box import draw_box
from stepbox.nn.network import Network

MOST_POINTS = 10_000
CONVENTION = (
    "The step is 1 at 0. So the box is its height on [0, width): the left edge belongs to the "
    "box, the right edge does not, and boxes side by side neither overlap nor leave a gap."
)


class BoxRequest(Request):
    """A box, and where to evaluate it."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"height": 2.0, "width": 3.0, "at": [-1, 0, 1.5, 3, 4]}}
    )

    height: Number = Field(description="h, any finite number.")
    width: Number = Field(gt=0, description="w, above 0.")
    at: Annotated[Numbers, Field(min_length=1, max_length=MOST_POINTS)] | None = Field(
        None,
        description="Points x, finite. Where not given: -1, both edges, the middle, and 1 beyond.",
    )


class StepNetwork(Answer):
    """A network of one hidden layer of step neurons, from one number to one number.

    Its output at x is output_bias + Σ output_weights[k] · step(weights[k] · x + biases[k]).
    """

    weights: Vector = Field(description="One a hidden neuron; each takes x alone.")
    biases: Vector = Field(description="One a hidden neuron: minus the x at which it steps.")
    output_weights: Vector = Field(description="One a hidden neuron.")
    output_bias: float

    @classmethod
    def of(cls, network: Network) -> "StepNetwork":
        """Read the weights of a network."""
        return cls(
            weights=network.weights[0][:, 0],
            biases=network.biases[0],
            output_weights=network.weights[1][0],
            output_bias=network.biases[1][0],
        )


class BoxEdges(Answer):
    """The network's output at the two edges."""

    left: float = Field(description="At 0: the height.")
    right: float = Field(description="At the width: 0.")


class BoxAnswer(Answer):
    """A box as two neurons."""

    network: StepNetwork
    at: Vector = Field(description="The points.")
    values: Vector = Field(description="The network's output there, computed by running it.")
    edges: BoxEdges
    convention: str = Field(description="The step's value at 0, and what follows at the edges.")


@blueprint.post(
    "/box",
    summary="Build a box of two step neurons",
    responses={200: BoxAnswer, **problems(400, 413, 415, 422)},
)
def box(body: BoxRequest) -> Response:
    """Build b(x) = h·s(x) − h·s(x − w) as a network, and run it."""
    drawn = draw_box(body.height, body.width, None if body.at is None else np.array(body.at))
    left, right = drawn.edges
    return answer_with(
        BoxAnswer,
        {
            "network": StepNetwork.of(drawn.network),
            "at": drawn.at,
            "values": drawn.values,
            "edges": {"left": left, "right": right},
            "convention": CONVENTION,
        },
    )
