"""Light and shadows: arrays of shape (height, width) that multiply the brightness of a scene."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.images.strokes import resize

Array = NDArray[np.float32]
Size = tuple[int, int]  # (width, height)


def blotches(size: Size, cell: float, rng: Generator) -> Array:
    """Return smooth noise, about −1 to 1, whose blotches are about ``cell`` pixels wide."""
    width, height = size
    grid = rng.normal(0, 0.5, (max(2, round(height / cell) + 1), max(2, round(width / cell) + 1)))
    return resize(grid, width, height)


def across(size: Size, angle: float) -> Array:
    """Return the position of each pixel in a direction, 0 in the middle, about ±1 at the sides."""
    x = np.linspace(-1, 1, size[0], dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    return np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y


def gradient(size: Size, depth: float, rng: Generator) -> Array:
    """Return light from one side: 1 at the bright end, 1 − depth at the dark one."""
    return 1 - depth / 2 * (1 + np.clip(across(size, rng.uniform(0, 2 * np.pi)), -1, 1))


def lamp(size: Size, depth: float, rng: Generator) -> Array:
    """Return the light of a lamp: 1 in one place, 1 − depth far from it."""
    x, y = (
        across(size, 0) - rng.uniform(-0.7, 0.7),
        across(size, np.pi / 2) - rng.uniform(-0.7, 0.7),
    )
    return 1 - depth + depth * np.exp(-(x**2 + y**2) / (2 * rng.uniform(0.6, 1.2) ** 2))


def even(size: Size, rng: Generator) -> Array:
    """Return good light, a bit darker on one side."""
    return gradient(size, rng.uniform(0, 0.15), rng) * rng.uniform(0.85, 1)


def dim(size: Size, rng: Generator) -> Array:
    """Return so little light that white paper is darker than middle grey."""
    return even(size, rng) * rng.uniform(0.32, 0.52)


def uneven(size: Size, rng: Generator) -> Array:
    """Return light from one side, of a lamp, or of a lens that darkens the corners."""
    depth = rng.uniform(0.35, 0.62)
    match rng.integers(3):
        case 0:
            return gradient(size, depth, rng)
        case 1:
            return lamp(size, depth, rng)
        case _:
            return 1 - depth * (across(size, 0) ** 2 + across(size, np.pi / 2) ** 2) / 2


def half_uneven(size: Size, rng: Generator) -> Array:
    """Return light that is half as uneven."""
    return (1 + uneven(size, rng)) / 2


def shadow(size: Size, rng: Generator) -> Array:
    """Return a shadow with a hard or soft edge, nearly straight, at any angle near the middle."""
    edge = across(size, rng.uniform(0, 2 * np.pi)) - rng.uniform(-0.35, 0.35)
    edge += 0.08 * blotches(size, max(size) / 3, rng)
    softness = np.exp(rng.uniform(np.log(0.02), np.log(0.4)))  # as a share of half the image
    dark = rng.uniform(0.25, 0.55) / (1 + np.exp(-np.clip(4 * edge / softness, -30, 30)))
    return even(size, rng) * (1 - dark)


def crumples(size: Size, rng: Generator) -> Array:
    """Return the light on paper that was crumpled: folds, and facets of different brightness."""
    width, height = size
    half = (width // 2, height // 2)
    surface = blotches(half, half[0] / 5, rng)
    for _ in range(rng.integers(4, 10)):
        fold = across(half, rng.uniform(0, 2 * np.pi)) - rng.uniform(-0.9, 0.9)
        fold = (fold + 0.02 * blotches(half, half[0] / 8, rng)) / 0.02
        ridge = np.exp(-(fold**2)) * rng.choice([-1, 1])
        surface += rng.normal() * (0.5 * np.tanh(fold / 6) + ridge)
    depth = rng.uniform(0.06, 0.18)
    return even(size, rng) * (1 + depth * np.clip(resize(surface, width, height) / 2, -1, 1))
