"""Sums of boxes, on a line and in the plane, as networks of step neurons."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.boxes.box import STEP, run_staircase, running_sums, staircase_network
from stepbox.nn.network import Network

ROUNDING = 16 * np.finfo(np.float64).eps


def edge(bound: float, boxes: int | NDArray[np.int64], k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the left edge of box k of `boxes` on [−bound, bound)."""
    return bound * (2 * k - boxes) / boxes


def midpoint(
    bound: float, boxes: int | NDArray[np.int64], k: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Give the middle of box k of `boxes` on [−bound, bound)."""
    return bound * (2 * k + 1 - boxes) / boxes


def box_holding(
    bound: float, boxes: int | NDArray[np.int64], coordinate: float | NDArray[np.float64]
) -> NDArray[np.int64]:
    """Find which of `boxes` on [−bound, bound) holds a coordinate."""
    k = np.floor((np.asarray(coordinate) / bound + 1) / 2 * boxes).astype(np.int64)
    k += coordinate >= edge(bound, boxes, k + 1)  # the division's rounding may have
    k -= coordinate < edge(bound, boxes, k)  # put it into a neighbour
    return np.clip(k, 0, np.asarray(boxes) - 1)


@dataclass(frozen=True)
class BoxSum:
    """Equal boxes side by side on [−bound, bound), or on its square.

    Attributes
    ----------
    bound
        Above 0.
    heights
        Shape (boxes,) or (boxes along x, boxes along y); the same number along both.
    """

    bound: float
    heights: NDArray[np.float64]

    @property
    def boxes(self) -> int:
        """Boxes along each axis."""
        return len(self.heights)

    @property
    def dimensions(self) -> int:
        """1 on a line, 2 in the plane."""
        return self.heights.ndim

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """Edges of the boxes along each axis, shape (boxes + 1,)."""
        return edge(self.bound, self.boxes, np.arange(self.boxes + 1))

    @cached_property
    def interaction(self) -> float:
        r"""How far the heights are from :math:`a_i + b_j`, at most; 0 on a line.

        A step neuron of the first hidden layer jumps along a whole line, by the same amount
        everywhere on it. So one hidden layer makes boxes in the plane only where crossing from
        column i to i + 1 makes the same difference in every row, which is :math:`a_i + b_j`.
        """
        if self.dimensions == 1:
            return 0.0
        h = self.heights
        return float(np.abs(h - h[:, :1] - h[:1, :] + h[0, 0]).max())

    @cached_property
    def hidden_layers(self) -> int:
        """1 where one layer of step neurons can do it, else 2."""
        return 1 if self.interaction <= ROUNDING * np.abs(self.heights).max() else 2

    @property
    def neurons(self) -> int:
        """Hidden neurons, where neighbours share an edge."""
        if self.dimensions == 2 and self.hidden_layers == 1:
            return 2 * self.boxes - 1
        return neurons(self.boxes, self.dimensions)

    @property
    def neurons_two_per_box(self) -> int:
        """Hidden neurons, if every box brought its own."""
        return 2 * self.boxes if self.dimensions == 1 else 5 * self.boxes**2

    @property
    def weights(self) -> int:
        """Weights of the network between its layers, without biases."""
        if self.hidden_layers == 1:
            return (self.dimensions + 1) * self.neurons
        first = 2 * (self.boxes + 1)
        return 2 * first + first * self.boxes**2 + self.boxes**2

    @cached_property
    def network(self) -> Network:
        """The network, with all its weights."""
        if self.dimensions == 1:
            return staircase_network(self.edges, self.heights)
        if self.hidden_layers == 1:
            return _additive_network(self.edges, self.heights)
        return _plane_network(self.edges, self.heights)

    @cached_property
    def levels(self) -> NDArray[np.float64]:
        """What the network gives on each box: the heights, up to the rounding of its sums."""
        if self.dimensions == 1:
            return running_sums(self.network)[1:-1]
        if self.hidden_layers == 1:
            rises = self.network.weights[-1][0]
            across, up = np.cumsum(rises[: self.boxes]), np.cumsum(rises[self.boxes :])
            return across[:, None] + np.concatenate(([0.0], up))
        return self.heights  # one neuron of the second layer is on, and its weight is the height

    def on_grid(self, *axes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Run the network on a grid inside [−bound, bound), by search among its edges.

        Parameters
        ----------
        axes
            Coordinates of the grid along each axis.

        Returns
        -------
        Shape (points along x,) or (points along x, points along y).
        """
        if self.dimensions == 1:
            return run_staircase(self.network, axes[0])
        return self.levels[np.ix_(*(np.searchsorted(self.edges, a, "right") - 1 for a in axes))]


def neurons(boxes: int, dimension: int) -> int:
    """Count the hidden neurons of boxes in any dimension, with `boxes` along each axis.

    On a line they are the boxes + 1 edges. In d dimensions a first layer has the edges of every
    axis, and a second layer one neuron for each of the boxes.
    """
    return boxes + 1 if dimension == 1 else dimension * (boxes + 1) + boxes**dimension


def _plane_network(edges: NDArray[np.float64], heights: NDArray[np.float64]) -> Network:
    """Build boxes in the plane with two hidden layers.

    The first layer steps at every edge of x and of y. Neuron (i, j) of the second sums "x is past
    edge i, not past i + 1" and the same of y and j: 2 inside the box, at most 1 outside it.
    """
    boxes = len(edges) - 1
    between = np.eye(boxes, boxes + 1) - np.eye(boxes, boxes + 1, k=1)
    columns, rows = np.repeat(between, boxes, axis=0), np.tile(between, (boxes, 1))
    return Network(
        weights=[
            np.repeat(np.eye(2), boxes + 1, axis=0),
            np.hstack([columns, rows]),
            heights.reshape(1, -1),
        ],
        biases=[0.0 - np.concatenate([edges, edges]), np.full(boxes**2, -1.5), np.zeros(1)],
        activation=STEP,
    )


def _additive_network(edges: NDArray[np.float64], heights: NDArray[np.float64]) -> Network:
    """Build heights a_i + b_j with one hidden layer, right on the square, not 0 outside it."""
    across, up = np.diff(heights[:, 0], prepend=0.0), np.diff(heights[0])
    return Network(
        weights=[
            np.repeat(np.eye(2), [len(across), len(up)], axis=0),
            np.concatenate([across, up])[None, :],
        ],
        biases=[0.0 - np.concatenate([edges[:-1], edges[1:-1]]), np.zeros(1)],
        activation=STEP,
    )
