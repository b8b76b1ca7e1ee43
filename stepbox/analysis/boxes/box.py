"""A box is two neurons: one step up, one step down. Many boxes on a line are a staircase."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Activation
from stepbox.nn.network import Network

STEP = Activation(
    name="step",
    function=lambda z: np.heaviside(z, 1.0),  # 1 at 0: an edge belongs to what begins there
    derivative=np.zeros_like,
)


@dataclass(frozen=True)
class Box:
    """A box as a network, and what that gives.

    Attributes
    ----------
    network
        One input, two hidden neurons, one output.
    at, values
        Points and the network's output there, shape (points,).
    edges
        The network's output at 0 and at the width.
    """

    network: Network
    at: NDArray[np.float64]
    values: NDArray[np.float64]
    edges: NDArray[np.float64]


def draw_box(height: float, width: float, at: NDArray[np.float64] | None = None) -> Box:
    """Build a box and run its network.

    Parameters
    ----------
    height
        Finite.
    width
        Above 0, finite.
    at
        Points, shape (points,), finite; where not given, both edges, the middle and 1 beyond.
    """
    network = box_network(height, width)
    if at is None:
        at = np.array([-1.0, 0.0, width / 2, width, width + 1])
    edges = np.array([0.0, width])
    return Box(network, at, run_network(network, at[:, None]), run_network(network, edges[:, None]))


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
    One input, two hidden step neurons, one linear output. It is `height` on [0, width), where
    the first step is on and the second is not yet, and 0 elsewhere.
    """
    return one_layer([0.0, width], [height, 0.0 - height])


def staircase_network(edges: NDArray[np.float64], heights: NDArray[np.float64]) -> Network:
    """Build the sum of n boxes side by side as a network of n + 1 hidden neurons.

    Where a box ends its neighbour begins. The two steps there see the same number, so one neuron
    does for both, with the difference of the heights as its output weight.

    Parameters
    ----------
    edges
        Ascending, shape (boxes + 1,).
    heights
        Shape (boxes,); box k stands on [edges[k], edges[k + 1]).
    """
    return one_layer(edges, np.diff(heights, prepend=0.0, append=0.0))


def one_layer(
    edges: NDArray[np.float64] | list[float], rises: NDArray[np.float64] | list[float]
) -> Network:
    """Build the network whose hidden neuron k steps at edges[k] and adds rises[k] from there on."""
    edges, rises = np.asarray(edges), np.asarray(rises)
    return Network(
        weights=[np.ones((len(edges), 1)), rises[None, :]],
        biases=[0.0 - edges, np.zeros(1)],  # 0 − 0 is 0, where −0 would be −0
        activation=STEP,
    )


def run_network(network: Network, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Run a step network neuron by neuron, in time neurons · points.

    Parameters
    ----------
    points
        Shape (points, inputs), finite.

    Returns
    -------
    Shape (points,).
    """
    with np.errstate(over="ignore"):  # x − w may overflow to −∞, whose step is 0 as it should be
        outputs: NDArray[np.float64] = network.logits(points)[:, 0]
    return outputs


def run_staircase(network: Network, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Run a network of `staircase_network` in time n + m log n for n neurons at m points.

    The neurons stand in the order of their edges, so those that are on are the first k, and the
    output is the k-th running sum of the output weights: one binary search a point.

    Parameters
    ----------
    x
        Shape (points,), finite.

    Returns
    -------
    Shape (points,).
    """
    neurons_on = np.searchsorted(-network.biases[0], x, side="right")
    return running_sums(network)[neurons_on]


def running_sums(network: Network) -> NDArray[np.float64]:
    """Sum the output weights of the first 0, 1, 2, … neurons; shape (neurons + 1,)."""
    sums: NDArray[np.float64] = np.concatenate(([0.0], np.cumsum(network.weights[-1][0])))
    return sums + float(network.biases[-1][0])
