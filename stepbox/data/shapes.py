"""Random points of the plane in well-known shapes, each with a class.

The points lie in about [−1, 1] × [−1, 1] and are rounded to `DECIMALS`, so that they have the same
bytes on every processor, and are short in JSON.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array

ShapeName = Literal["moons", "circles", "xor", "spiral", "blobs"]
Classes = NDArray[np.int64]

DECIMALS = 4
TURN = 4.2  # radians that an arm of the spiral turns, from its start to its end at radius 1
BLOB_RADIUS = 0.65  # of the circle on which the centres of the blobs are


class Shape(NamedTuple):
    """A shape that points can have.

    Attributes
    ----------
    title
        What people call it.
    classes
        Number of classes by default.
    most_classes
        The largest number of classes; the smallest is 2.
    draw
        Draws points without noise: from their classes (shape (n,)), the number of classes and a
        generator, it makes an array of shape (n, 2).
    """

    title: str
    classes: int
    most_classes: int
    draw: Callable[[Classes, int, np.random.Generator], Array]


def _moons(labels: Classes, classes: int, rng: np.random.Generator) -> Array:
    """Draw two half circles, each of which reaches into the other."""
    angles = np.pi * rng.random(len(labels))
    sign = np.where(labels == 0, 1, -1)
    x, y = np.cos(angles) - 0.5, np.sin(angles) - 0.25
    return np.column_stack([0.6 * sign * x, 0.75 * sign * y])


def _circles(labels: Classes, classes: int, rng: np.random.Generator) -> Array:
    """Draw a disk, and a ring around it."""
    place, angles = rng.random(len(labels)), 2 * np.pi * rng.random(len(labels))
    radii = np.where(labels == 0, 0.35 * np.sqrt(place), 0.62 + 0.25 * place)
    return _at(angles, radii)


def _xor(labels: Classes, classes: int, rng: np.random.Generator) -> Array:
    """Draw four squares, apart from each other; opposite ones have the same class."""
    x, y = 0.06 + 0.89 * rng.random((2, len(labels)))
    right = rng.integers(0, 2, len(labels)) * 2 - 1
    return np.column_stack([right * x, np.where(labels == 0, right, -right) * y])


def _spiral(labels: Classes, classes: int, rng: np.random.Generator) -> Array:
    """Draw an arm for each class, from near the centre outwards."""
    radii = 0.08 + 0.87 * rng.random(len(labels))
    angles = TURN * radii + 2 * np.pi * labels / classes
    return _at(angles, radii)


def _blobs(labels: Classes, classes: int, rng: np.random.Generator) -> Array:
    """Draw the centre of each class; centres are on a circle, at equal distances."""
    angles = 2 * np.pi * labels / classes + np.pi / 4
    return _at(angles, np.full(len(labels), BLOB_RADIUS))


def _at(angles: Array, radii: Array) -> Array:
    """Return the points, shape (n, 2), with these polar coordinates, each of shape (n,)."""
    return np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])


SHAPES: Mapping[ShapeName, Shape] = {
    "moons": Shape("Moons", 2, 2, _moons),
    "circles": Shape("Circles", 2, 2, _circles),
    "xor": Shape("XOR", 2, 2, _xor),
    "spiral": Shape("Spiral", 3, 10, _spiral),
    "blobs": Shape("Blobs", 4, 10, _blobs),
}


def draw_points(
    shape: ShapeName, classes: int, samples: int, noise: float, seed: int
) -> tuple[Array, Classes]:
    """Draw points of a shape.

    Parameters
    ----------
    shape
        Name of the shape.
    classes, samples
        Number of classes and of points. The classes take turns.
    noise
        Standard deviation of the normal noise that is added to both coordinates.
    seed
        Seed of the generator.

    Returns
    -------
    points
        Shape (samples, 2).
    labels
        The class of each point, from 0: shape (samples,).
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % classes
    points = SHAPES[shape].draw(labels, classes, rng)
    points = points + noise * rng.standard_normal(points.shape)
    return np.round(points, DECIMALS) + 0.0, labels  # −0 becomes 0
