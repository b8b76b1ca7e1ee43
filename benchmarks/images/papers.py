"""Papers, boards and desks: arrays of shape (height, width, 3), 0 (black) to 1 (white)."""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter

from benchmarks.images.light import Array, Size, blotches
from benchmarks.images.strokes import Ink, resize

Colour = tuple[float, ...]

WHITE = (0.95, 0.95, 0.94)
LINES = ((0.55, 0.68, 0.88), (0.62, 0.72, 0.86), (0.68, 0.68, 0.70))
MARGIN_LINE = (0.90, 0.50, 0.50)
BOARDS = ((0.16, 0.25, 0.20), (0.20, 0.20, 0.21), (0.13, 0.13, 0.13))
WOOD = (0.42, 0.27, 0.16)
DIRT = (0.10, 0.09, 0.08)


def grain(size: Size, sigma: float, rng: Generator) -> Array:
    """Return fine noise of deviation 1; sigma is its smoothness, in pixels."""
    tile = gaussian_filter(rng.standard_normal((512, 512), np.float32), sigma, mode="wrap")
    rows, columns = np.arange(size[1]) % 512, np.arange(size[0]) % 512
    return (tile / tile.std())[rows[:, None], columns[None, :]]


def sheet(size: Size, rng: Generator, colour: Colour = WHITE) -> Array:
    """Return a paper with a fine grain, white unless a colour is given."""
    uneven = grain(size, 0.8, rng) + blotches(size, 40, rng)
    return np.asarray(colour, np.float32) * (1 + 0.006 * uneven[:, :, None])


def yellow(size: Size, rng: Generator) -> Array:
    """Return a yellow paper."""
    return sheet(size, rng, tuple(rng.uniform((0.93, 0.83, 0.35), (0.99, 0.92, 0.65))))


def board(size: Size, rng: Generator) -> Array:
    """Return a blackboard, green or grey, with traces of wiped chalk."""
    wiped = resize(rng.normal(0, 1, (12, 5)), *size) + blotches(size, 60, rng)
    wiped = wiped + 0.3 * grain(size, 0.7, rng)
    colour = np.asarray(BOARDS[rng.integers(len(BOARDS))], np.float32)
    return colour + rng.uniform(0.01, 0.04) * wiped[:, :, None]


def desk(size: Size, rng: Generator) -> Array:
    """Return a dark desk, of one colour or of wood."""
    if rng.uniform() < 0.4:
        return sheet(size, rng, tuple(rng.uniform(0.08, 0.3) * rng.uniform(0.85, 1.15, 3)))
    width, height = size
    fibres = resize(rng.normal(0, 1, (height // 3, 6)), width, height)
    rings = np.sin(resize(rng.normal(0, 4, (rng.integers(4, 9), 3)), width, height) * 3)
    boards = 1 - 0.4 * (np.arange(height) % (height / rng.uniform(2, 5)) < 2)[:, None]
    wood = (1 + 0.08 * fibres + 0.08 * rings) * boards * rng.uniform(0.5, 1.15)
    wood = wood[:, :, None] * np.asarray(WOOD, np.float32)
    return wood.astype(np.float32)


def draw(page: Array, ink: Ink, colour: Colour, middle: tuple[float, float]) -> None:
    """Put an ink on a page, with its middle at (x, y). What is outside is cut off."""
    top, left = (round(m - n / 2) for m, n in zip(middle[::-1], ink.shape, strict=True))
    inside = page[
        max(top, 0) : max(top + ink.shape[0], 0), max(left, 0) : max(left + ink.shape[1], 0)
    ]
    ink = ink[max(-top, 0) :, max(-left, 0) :][: inside.shape[0], : inside.shape[1]]
    inside += (np.asarray(colour, np.float32) - inside) * ink[:, :, None]


def rule(
    page: Array, spacing: float, first: float, width: float, slope: float, colour: Colour
) -> None:
    """Print lines on a page: nearly horizontal, ``spacing`` pixels apart, from row ``first`` on."""
    y, x = np.ogrid[: page.shape[0], : page.shape[1]]
    place = ((y + slope * x - first) / spacing).astype(np.float32)
    distance = np.abs(place - np.maximum(np.rint(place), 0)) * spacing
    page *= 1 - np.clip(width / 2 - distance + 0.5, 0, min(width, 1))[:, :, None] * (
        1 - np.asarray(colour, np.float32)
    )


def lined(page: Array, spacing: float, rng: Generator) -> None:
    """Rule a page with lines, and perhaps a red margin line."""
    slope, width, colour = _ruling(spacing, rng)
    rule(page, spacing, rng.uniform(-spacing, spacing / 2), width, slope, colour)
    if rng.uniform() < 0.4:
        side = rng.choice([rng.uniform(0.1, 0.2), rng.uniform(0.8, 0.9)]) * page.shape[1]
        rule(page.swapaxes(0, 1), 10 * page.shape[1], side, 1.3 * width, -slope, MARGIN_LINE)


def squared(page: Array, spacing: float, rng: Generator) -> None:
    """Rule a page with squares."""
    slope, width, colour = _ruling(spacing, rng)
    for way, turned in ((page, slope), (page.swapaxes(0, 1), -slope)):
        rule(way, spacing, rng.uniform(-spacing, 0), width, turned, colour)


def _ruling(spacing: float, rng: Generator) -> tuple[float, float, Colour]:
    faint = rng.uniform(0.5, 1.2)
    colour = 1 - (1 - np.array(LINES[rng.integers(len(LINES))])) * faint
    return rng.uniform(-0.02, 0.02), rng.uniform(0.04, 0.07) * spacing**0.75, tuple(colour)


def specks(page: Array, rng: Generator) -> None:
    """Drop a handful of specks of dirt, one of them about 12 pixels large, some much larger."""
    height, width = page.shape[:2]
    for radius in (2, *rng.uniform(0.001, 0.008, rng.integers(3, 9)) * width):
        y, x = np.mgrid[-radius - 2 : radius + 3, -radius - 2 : radius + 3]
        edge = radius * (1 + 0.2 * np.sin(3 * np.arctan2(y, x) + rng.uniform(0, 6)))
        ink = np.clip(edge - np.hypot(x, y * rng.uniform(1, 1.5)) + 0.5, 0, rng.uniform(0.5, 0.95))
        draw(page, ink, DIRT, (rng.uniform(0, width), rng.uniform(0, height)))
