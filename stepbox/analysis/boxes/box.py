"""Networks of step neurons: a box, and a staircase of boxes side by side."""

from typing import Self

import numpy as np
from pydantic import Field

from stepbox.analysis.result import Array, Result, Vector
from stepbox.nn.activations import Activation
from stepbox.nn.network import Network

STEP = Activation(
    name="step",
    function=lambda z: np.heaviside(z, 1.0),  # 1 at 0, so a box includes its left edge
    derivative=np.zeros_like,
)


class StepNetwork(Result):
    """A network with one hidden layer of step neurons, from one number to one number.

    Its output at x is output_bias + Σ output_weights[k] · step(weights[k] · x + biases[k]).
    """

    weights: Vector = Field(description="Weight of x in each hidden neuron, shape (neurons,).")
    biases: Vector = Field(
        description="Shape (neurons,). A hidden neuron that steps at x has the bias −x."
    )
    output_weights: Vector = Field(
        description="Weight of each hidden neuron in the output, shape (neurons,)."
    )
    output_bias: float

    @classmethod
    def of(cls, network: Network) -> Self:
        """Read the weights of a network."""
        hidden, output = (layer.arrays for layer in network.layers)
        return cls(
            weights=hidden["weight"][:, 0],
            biases=hidden["bias"],
            output_weights=output["weight"][0],
            output_bias=output["bias"][0],
        )


class BoxEdges(Result):
    """The network's output at the two edges of the box."""

    left: float = Field(description="At x = 0: the height.")
    right: float = Field(description="At x = width: 0.")


class BoxAnswer(Result):
    """A box as a network of two step neurons, and the network's output."""

    network: StepNetwork
    at: Vector = Field(description="The points, shape (points,).")
    values: Vector = Field(description="The network's output at the points, shape (points,).")
    edges: BoxEdges
    convention: str = Field(description="The step's value at 0, and its effect at the edges.")


def draw_box(height: float, width: float, at: Array | None = None) -> BoxAnswer:
    """Build a box as a network and run the network.

    Parameters
    ----------
    height
        Finite.
    width
        Above 0, finite.
    at
        Points, finite, shape (points,). By default both edges, the middle, and 1 beyond each
        edge.
    """
    network = box_network(height, width)
    if at is None:
        at = np.array([-1.0, 0.0, width / 2, width, width + 1])
    left, right = run_network(network, np.array([[0.0], [width]]))
    return BoxAnswer(
        network=StepNetwork.of(network),
        at=at,
        values=run_network(network, at[:, None]),
        edges=BoxEdges(left=left, right=right),
        convention="The step is 1 at 0, so the box has its height on [0, width): it includes its "
        "left edge but not its right edge. Boxes side by side therefore neither overlap nor leave "
        "a gap.",
    )


def box_network(height: float, width: float) -> Network:
    r"""Build the box :math:`b(x) = h \, s(x) - h \, s(x - w)` as a network.

    Parameters
    ----------
    height
        Finite.
    width
        Above 0.

    Returns
    -------
    A network with one input, two hidden step neurons and one linear output. The output is
    `height` on [0, width), where only the first step is on, and 0 elsewhere.
    """
    return staircase_network(np.array([0.0, width]), np.array([height]))


def staircase_network(edges: Array, heights: Array) -> Network:
    """Build the sum of n boxes side by side as a network with n + 1 hidden neurons.

    Two neighbouring boxes share an edge, so one neuron steps there for both of them. Its output
    weight is the difference of their heights.

    Parameters
    ----------
    edges
        Ascending, shape (boxes + 1,).
    heights
        Shape (boxes,). Box k covers [edges[k], edges[k + 1]).
    """
    return one_layer([edges], [np.diff(heights, prepend=0.0, append=0.0)])


def one_layer(edges: list[Array], rises: list[Array]) -> Network:
    """Build one hidden layer; the output rises by rises[axis][k] at edges[axis][k].

    Parameters
    ----------
    edges
        For each axis, where its neurons step, shape (neurons of the axis,).
    rises
        Their weights in the output, in the same shapes.
    """
    axes = np.repeat(np.eye(len(edges)), [len(steps) for steps in edges], axis=0)
    return Network.dense(
        weights=[axes, np.concatenate(rises)[None, :]],
        biases=[0.0 - np.concatenate(edges), np.zeros(1)],  # 0 − 0 is 0, but −(0) would be −0
        activation=STEP,
    )


def run_network(network: Network, points: Array) -> Array:
    """Run a step network neuron by neuron, in time O(neurons · points).

    Parameters
    ----------
    points
        Finite, shape (points, inputs).

    Returns
    -------
    Shape (points,).
    """
    with np.errstate(over="ignore"):  # x − w may overflow to −∞, where the step is 0 too
        outputs: Array = network.logits(points)[:, 0]
    return outputs
