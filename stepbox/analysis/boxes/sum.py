"""Sums of boxes, on a line and in the plane, as networks of step neurons."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from pydantic import Field

from stepbox.analysis.boxes.box import STEP, one_layer, staircase_network
from stepbox.analysis.result import Array, Integers, Matrix, Result, Vector
from stepbox.nn.network import Network

ROUNDING = 16 * np.finfo(np.float64).eps


def edge(bound: float, boxes: int | Integers, k: Integers) -> Array:
    """Return the left edge of box k, of `boxes` equal boxes on [−bound, bound).

    The first and the last edge are exactly −bound and bound.
    """
    position = 2 * np.asarray(k) - boxes
    edges: Array = np.asarray(bound * position / boxes)
    # Rounding may have moved these.
    np.copyto(edges, -bound, where=position == -boxes)
    np.copyto(edges, bound, where=position == boxes)
    return edges


def equal_edges(bound: float, boxes: int) -> Array:
    """Return the edges of equal boxes on [−bound, bound), shape (boxes + 1,)."""
    return edge(bound, boxes, np.arange(boxes + 1))


def midpoint(bound: float, boxes: int | Integers, k: Integers) -> Array:
    """Return the middle of box k, of `boxes` equal boxes on [−bound, bound)."""
    return bound * (2 * k + 1 - boxes) / boxes


def box_holding(bound: float, boxes: int | Integers, coordinate: float | Array) -> Integers:
    """Find the box that contains a coordinate, of `boxes` equal boxes on [−bound, bound)."""
    k = np.floor((np.asarray(coordinate) / bound + 1) / 2 * boxes).astype(np.int64)
    # Rounding in the division may have given the neighbouring box.
    k += coordinate >= edge(bound, boxes, k + 1)
    k -= coordinate < edge(bound, boxes, k)
    return np.clip(k, 0, np.asarray(boxes) - 1)


def exact_heights(heights: Array) -> Array:
    """Round the heights of boxes on a line so that their network adds up without rounding errors.

    All heights become multiples of a power of two so large that every sum of some output weights,
    in any order, is at most 2⁵³ times as large. Such sums are exact in float64. So the network's
    output is exactly the height of a box. The heights change by less than 2⁻⁵² times the sum of the
    absolute output weights.
    """
    total = np.abs(np.diff(heights, prepend=0.0, append=0.0)).sum()
    # One bit more than needed, because the rounded heights may have a larger sum.
    unit = np.ldexp(1.0, max(int(np.frexp(total)[1]) - 52, -1074))
    exact: Array = np.rint(heights / unit) * unit + 0.0  # not −0
    return exact


class HiddenLayer(Result):
    """A layer of step neurons."""

    weights: Matrix = Field(description="Shape (neurons, inputs).")
    biases: Vector = Field(description="Shape (neurons,).")


class PlaneNetwork(Result):
    """A network with one or two hidden layers of step neurons, from x and y to one number."""

    hidden: list[HiddenLayer] = Field(description="The hidden layers, in order from the input.")
    output_weights: Vector = Field(
        description="Weight of each neuron of the last hidden layer, shape (neurons,)."
    )
    output_bias: float

    @classmethod
    def of(cls, network: Network) -> Self:
        """Read the weights of a network."""
        *hidden, output = (layer.arrays for layer in network.layers)
        return cls(
            hidden=[
                HiddenLayer(weights=arrays["weight"], biases=arrays["bias"]) for arrays in hidden
            ],
            output_weights=output["weight"][0],
            output_bias=output["bias"][0],
        )


@dataclass(frozen=True)
class BoxSum:
    """Boxes side by side on the interval [−bound, bound) or on the square over it.

    Attributes
    ----------
    edges
        Edges of the boxes along each axis, from −bound to bound, ascending, shape (boxes + 1,).
    heights
        Shape (boxes,) on a line; (boxes, boxes) in the plane, along x and along y.
    """

    edges: Array
    heights: Array

    @property
    def bound(self) -> float:
        """The last edge."""
        return float(self.edges[-1])

    @property
    def boxes(self) -> int:
        """Number of boxes along each axis."""
        return len(self.heights)

    @property
    def dimensions(self) -> int:
        """1 on a line, 2 in the plane."""
        return self.heights.ndim

    @cached_property
    def last(self) -> Array:
        """Largest number in each box along an axis, shape (boxes,). The edge after it is larger."""
        return np.nextafter(self.edges[1:], -np.inf)

    def inside(self, offsets: Array, block: slice = slice(None)) -> Array:
        """Return points in some boxes along an axis, shape (boxes, offsets).

        Offset 0 is the left edge. The right edge belongs to the next box, so offset 1 means the
        largest number before it.
        """
        left, last = self.edges[:-1][block, None], self.last[block, None]
        points = offsets * (self.edges[1:][block, None] - left)
        points += left
        return np.minimum(points, last, out=points)

    def holding(self, coordinates: Array) -> Integers:
        """Find the boxes along an axis that contain coordinates inside [−bound, bound)."""
        return np.searchsorted(self.edges, coordinates, "right") - 1

    @cached_property
    def interaction(self) -> float:
        """Largest |h[i, j] − h[i, 0] − h[0, j] + h[0, 0]| of the heights h; 0 on a line.

        It is 0 if the heights have the form aᵢ + bⱼ. Only then can one hidden layer build the
        boxes, because each of its neurons jumps by the same amount along a whole line.
        """
        if self.dimensions == 1:
            return 0.0
        h = self.heights
        return float(np.abs(h - h[:, :1] - h[:1, :] + h[0, 0]).max())

    @cached_property
    def hidden_layers(self) -> int:
        """1 if one layer of step neurons can build the boxes, else 2."""
        return 1 if self.interaction <= ROUNDING * np.abs(self.heights).max() else 2

    @property
    def neurons(self) -> int:
        """Number of hidden neurons. Neighbouring boxes share the neurons at their common edge."""
        if self.dimensions == 2 and self.hidden_layers == 1:
            return 2 * self.boxes - 1
        return neurons(self.boxes, self.dimensions)

    @property
    def neurons_two_per_box(self) -> int:
        """Number of hidden neurons if no two boxes shared any."""
        return 2 * self.boxes if self.dimensions == 1 else 5 * self.boxes**2

    @property
    def weights(self) -> int:
        """Number of weights in the network, without biases."""
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
    def levels(self) -> Array:
        """The network's output on each box, shape as `heights`. They differ only by rounding.

        With `exact_heights` they are equal on a line.
        """
        if self.dimensions == 1:
            output = self.network.layers[-1].arrays
            return np.cumsum(output["weight"][0])[:-1] + float(output["bias"][0])
        if self.hidden_layers == 1:
            rises = self.network.layers[-1].arrays["weight"][0]
            across, up = np.cumsum(rises[: self.boxes]), np.cumsum(rises[self.boxes :])
            return across[:, None] + np.concatenate(([0.0], up))
        return self.heights  # only one neuron of the second layer is on; its weight is the height

    def on_grid(self, *axes: Array) -> Array:
        """Compute the network's output on a grid by binary search. It is 0 outside the boxes.

        Parameters
        ----------
        axes
            Coordinates of the grid, shape (points,) for each axis.

        Returns
        -------
        Shape (points along x,) or (points along x, points along y).
        """
        levels = np.pad(self.levels, 1)
        return levels[np.ix_(*(self.holding(axis) + 1 for axis in axes))]


def neurons(boxes: int, dimension: int) -> int:
    """Count the hidden neurons for boxes in any dimension, `boxes` of them along each axis.

    On a line there is one neuron for each of the boxes + 1 edges. In d > 1 dimensions the first
    layer has a neuron for each edge on each axis, and the second layer has one for each box.
    """
    return boxes + 1 if dimension == 1 else dimension * (boxes + 1) + boxes**dimension


def _plane_network(edges: Array, heights: Array) -> Network:
    """Build boxes in the plane with two hidden layers.

    The first layer steps at each edge of x and of y. Neuron (i, j) of the second layer adds 1 if x
    is between edges i and i + 1, and 1 if y is between edges j and j + 1. The sum is 2 inside the
    box and at most 1 outside it, so the neuron steps at 1.5.
    """
    boxes = len(edges) - 1
    between = np.eye(boxes, boxes + 1) - np.eye(boxes, boxes + 1, k=1)
    columns, rows = np.repeat(between, boxes, axis=0), np.tile(between, (boxes, 1))
    return Network.dense(
        weights=[
            np.repeat(np.eye(2), boxes + 1, axis=0),
            np.hstack([columns, rows]),
            heights.reshape(1, -1),
        ],
        biases=[0.0 - np.concatenate([edges, edges]), np.full(boxes**2, -1.5), np.zeros(1)],
        activation=STEP,
    )


def _additive_network(edges: Array, heights: Array) -> Network:
    """Build heights aᵢ + bⱼ with one hidden layer. Outside the square, the output is not 0."""
    across, up = np.diff(heights[:, 0], prepend=0.0), np.diff(heights[0])
    return one_layer([edges[:-1], edges[1:-1]], [across, up])
