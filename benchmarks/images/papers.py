"""Papers, their rulings and their flaws, boards and desks.

Each is an array of shape (height, width, 3), 0 (black) to 1 (white).
"""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter

from benchmarks.images.light import Array, Size, smooth_noise
from benchmarks.images.strokes import Ink, resize

WHITE = (0.95, 0.95, 0.94)
BLUE_LINES = (0.55, 0.68, 0.88)
GREY_LINES = (0.68, 0.68, 0.70)
RED_LINES = (0.90, 0.50, 0.50)


def sheet(size: Size, colour: tuple[float, ...], rng: Generator, grain: float = 0.006) -> Array:
    """Return a paper of one colour with a fine grain."""
    fibres = gaussian_filter(rng.standard_normal(size[::-1], np.float32), 0.8) * 2
    spots = fibres + smooth_noise(size, 40, rng)
    return np.asarray(colour, np.float32) * (1 + np.float32(grain) * spots[:, :, None])


def draw(page: Array, ink: Ink, colour: tuple[float, ...], middle: tuple[float, float]) -> None:
    """Put an ink on a page, with its middle at (x, y), in pixels. What is outside is cut off."""
    height, width = ink.shape
    left, top = round(middle[0] - width / 2), round(middle[1] - height / 2)
    inside = page[max(top, 0) : top + height, max(left, 0) : left + width]
    ink = ink[max(-top, 0) :, max(-left, 0) :][: inside.shape[0], : inside.shape[1], None]
    inside += (np.asarray(colour, np.float32) - inside) * ink


def rule(
    page: Array, spacing: float, colour: tuple[float, ...], width: float, slope: float, phase: float
) -> None:
    """Print parallel lines: horizontal ones, tilted by ``slope``, ``spacing`` pixels apart."""
    y, x = np.ogrid[: page.shape[0], : page.shape[1]]
    place = (y + np.float32(slope) * x).astype(np.float32) / np.float32(spacing) + np.float32(phase)
    distance = np.abs(place - np.rint(place)) * np.float32(spacing)
    strength = np.clip(width / 2 - distance + 0.5, 0, min(width, 1))[:, :, None]
    page *= 1 - strength * (1 - np.asarray(colour, np.float32))


def lined(page: Array, spacing: float, rng: Generator) -> None:
    """Rule a page with blue or grey lines, and perhaps with a red margin line."""
    slope, width = rng.uniform(-0.02, 0.02), rng.uniform(0.04, 0.07) * spacing**0.75
    rule(page, spacing, _line_colour(rng), width, slope, rng.uniform())
    if rng.uniform() < 0.4:
        side = page.shape[1] * rng.choice([rng.uniform(0.12, 0.2), rng.uniform(0.8, 0.88)])
        rule(
            page.swapaxes(0, 1),
            10 * page.shape[1],
            RED_LINES,
            width * 1.3,
            slope,
            -side / (10 * page.shape[1]),
        )


def squared(page: Array, spacing: float, rng: Generator) -> None:
    """Rule a page with blue or grey squares."""
    colour, width = _line_colour(rng), rng.uniform(0.04, 0.07) * spacing**0.75
    slope = rng.uniform(-0.02, 0.02)
    rule(page, spacing, colour, width, slope, rng.uniform())
    rule(page.swapaxes(0, 1), spacing, colour, width, -slope, rng.uniform())


def _line_colour(rng: Generator) -> tuple[float, ...]:
    base = np.array(BLUE_LINES if rng.uniform() < 0.6 else GREY_LINES)
    return tuple(1 - (1 - base) * rng.uniform(0.5, 1.2))


def speck(page: Array, radius: float, level: float, rng: Generator) -> None:
    """Drop a speck of dirt of this radius, in pixels, at a random place."""
    side = int(2 * radius) + 4
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    turn, flat = rng.uniform(0, np.pi), rng.uniform(0.6, 1)
    u, v = x * np.cos(turn) + y * np.sin(turn), (y * np.cos(turn) - x * np.sin(turn)) / flat
    wobble = 1 + 0.2 * np.sin(3 * np.arctan2(v, u) + rng.uniform(0, 6))
    ink = np.clip(radius * wobble - np.hypot(u, v) + 0.5, 0, 1).astype(np.float32)
    height, width = page.shape[:2]
    draw(
        page, ink * (1 - level), (0.1, 0.09, 0.08), (rng.uniform(0, width), rng.uniform(0, height))
    )


def crumples(size: Size, depth: float, rng: Generator) -> Array:
    """Return the light on a paper that was crumpled: facets of different brightness."""
    width, height = size
    y, x = np.mgrid[: height // 2, : width // 2].astype(np.float32) * 2
    surface = np.zeros_like(x)
    for _ in range(rng.integers(4, 9)):
        angle = rng.uniform(0, 2 * np.pi)
        fold = np.cos(angle) * (x - rng.uniform(0, width)) + np.sin(angle) * (
            y - rng.uniform(0, height)
        )
        fold += 0.03 * width * smooth_noise((x.shape[1], x.shape[0]), width / 8, rng)
        sharp = fold / (0.01 * width)
        surface += rng.normal() * (
            0.5 * np.tanh(sharp / 6) + np.exp(-(sharp**2)) * rng.choice([-1, 1])
        )
    surface = resize(surface, width, height) + smooth_noise(size, width / 5, rng)
    return (1 + depth * np.clip(surface / 2, -1, 1)).astype(np.float32)


def desk(size: Size, rng: Generator) -> Array:
    """Return a desk of one dark colour, or of wood."""
    if rng.uniform() < 0.4:
        level = rng.uniform(0.08, 0.3)
        return sheet(size, tuple(level * rng.uniform(0.85, 1.15, 3)), rng, 0.03)
    colour = np.array([0.42, 0.27, 0.16]) * rng.uniform(0.6, 1.15)
    width, height = size
    grain = (
        smooth_noise((width, height), 1, rng)
        if False
        else resize(rng.normal(0, 1, (height // 3, 6)), width, height)
    )
    rings = np.sin(resize(rng.normal(0, 4, (8, 3)), width, height) * 3)
    wood = 1 + 0.10 * grain + 0.10 * rings
    plank = height / rng.uniform(2, 5)
    wood = wood * (1 - 0.4 * ((np.arange(height) % plank) < 2))[:, None]
    wood = wood[:, :, None] * colour.astype(np.float32)
    return wood.swapaxes(0, 1)[:height, :width] if False else wood.astype(np.float32)


def blackboard(size: Size, rng: Generator) -> Array:
    """Return a board, green or grey, with traces of wiped chalk."""
    colour = np.array([[0.16, 0.25, 0.20], [0.2, 0.2, 0.21], [0.13, 0.13, 0.13]][rng.integers(3)])
    width, height = size
    wiped = resize(rng.normal(0, 1, (12, 5)), width, height) + smooth_noise(size, 60, rng)
    board = colour + rng.uniform(0.01, 0.04) * wiped[:, :, None]
    return board.astype(np.float32)
