"""The kinds of images, how well they should be classified, and how to draw many of one kind."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.random import Generator

from benchmarks.images import light, papers, scenes
from benchmarks.images.light import Size
from benchmarks.images.scenes import BLACK, BLUE, GREEN, RED, Drawing, Photo, Product
from benchmarks.images.strokes import Pixels


class Goal(NamedTuple):
    """What is asked of a network, for a group of kinds.

    Attributes
    ----------
    accuracy
        Share of correct predictions, 0..1.
    loss
        How much less accurate than on the data set itself a network may be, 0..1. A network meets
        the goal if it reaches the lower of both.
    """

    accuracy: float
    loss: float

    def of(self, accuracy: float) -> float:
        """Return the goal of a network that has this accuracy on the data set."""
        return min(self.accuracy, accuracy - self.loss)


class Kind(NamedTuple):
    """A kind of images: its group (see `GOALS`), and the function that draws one as a file."""

    group: str
    draw: Callable[[Pixels, Generator], bytes]

    @property
    def dataset(self) -> str:
        """The data set whose images are drawn."""
        return "fashion-mnist" if self.group == "product" else "mnist"


GOALS = {
    "clean": Goal(0.95, 0.03),
    "hard": Goal(0.90, 0.08),
    "hardest": Goal(0.80, 0.18),
    "product": Goal(1, 0.08),
}


def canvas(low: int, high: int, *shapes: tuple[float, float]) -> Callable[[Generator], Size]:
    """Return a function that chooses a side of the canvas, and its shape unless it is square."""

    def size(rng: Generator) -> Size:
        side = int(rng.integers(low, high + 1))
        wide, tall = shapes[rng.integers(len(shapes))] if shapes else (1, 1)
        return round(side * rng.uniform(1, wide)), round(side * rng.uniform(1, tall))

    return size


def page(width: int, height: int) -> Callable[[Generator], Size]:
    """Return a function that gives this size."""
    return lambda rng: (width, height)


ANY = (2.0, 2.0)
WIDE_OR_TALL = ((5.0, 1.0), (1.0, 5.0))

KINDS = {
    # drawings and good photographs
    "plain": Kind("clean", scenes.original),
    "inverted": Kind("clean", scenes.inverted),
    "upscaled": Kind("clean", scenes.upscaled),
    "paint-program": Kind("clean", Drawing(canvas(280, 600), (0.45, 0.8), (0.05, 0.15))),
    "off-centre": Kind("clean", Drawing(canvas(280, 600), (0.2, 0.4), (0.06, 0.14), corner=True)),
    "drawn-thin": Kind("clean", Drawing(canvas(200, 400), (0.4, 0.8), (0.005, 0.01))),
    "bold-marker": Kind("clean", Photo(share=(0.3, 0.5), width=(0.12, 0.18))),
    "broad-nib": Kind("clean", Photo(share=(0.2, 0.5), width=None)),
    "white-paper": Kind("clean", Photo(size=page(1000, 800), share=(0.2, 0.5))),
    "small-digit": Kind(
        "clean", Photo(size=page(1200, 1600), share=(0.035, 0.08), width=(0.07, 0.12))
    ),
    "large-photo": Kind("clean", Photo(size=page(1000, 750), zoom=4, share=(0.1, 0.5))),
    "yellow-paper": Kind("clean", Photo(paper=papers.yellow, inks=(BLACK, BLUE))),
    "coloured-ink": Kind("clean", Photo(inks=(BLUE, RED, GREEN))),
    "chalk": Kind(
        "clean",
        Photo(
            paper=papers.board,
            inks=((0.9, 0.9, 0.88), (0.9, 0.9, 0.88), (0.9, 0.85, 0.6), (0.9, 0.75, 0.78)),
            width=(0.06, 0.12),
            share=(0.3, 0.5),
            crumbly=1,
        ),
    ),
    "transparent": Kind("clean", scenes.transparent),
    "exif-rotated": Kind("clean", Photo(turned=True)),
    "sixteen-bits": Kind(
        "clean",
        Drawing(
            canvas(200, 600, ANY), (0.4, 0.8), (0.05, 0.12), (0.8, 1), (0, 0.2), forms=("PNG16",)
        ),
    ),
    "tight-crop": Kind("clean", scenes.tight),
    "not-square": Kind(
        "clean",
        Drawing(
            canvas(120, 400, *WIDE_OR_TALL),
            (0.4, 0.8),
            (0.05, 0.12),
            (0.9, 1),
            (0, 0.2),
            forms=("PNG", "JPEG"),
        ),
    ),
    "tablet": Kind(
        "clean",
        Drawing(
            canvas(400, 800, ANY),
            (0.3, 0.7),
            (0.03, 0.08),
            (0.82, 0.97),
            (0, 0.3),
            forms=("PNG", "WEBP"),
        ),
    ),
    "blurred": Kind("clean", Photo(width=(0.08, 0.13), blur=(0.003, 0.008))),
    # bad light, ruled paper, faint ink, dirt
    "uneven-light": Kind("hard", Photo(light=light.uneven)),
    "dim-paper": Kind("hard", Photo(light=light.dim)),
    "shadow": Kind("hard", Photo(light=light.shadow)),
    "lined-paper": Kind("hard", Photo(rule=papers.lined, inks=(BLACK, BLUE))),
    "squared-paper": Kind("hard", Photo(rule=papers.squared, inks=(BLACK, BLUE))),
    "thin-pencil": Kind(
        "hard",
        Photo(inks=((0.35,) * 3, (0.45,) * 3, (0.55,) * 3), width=(0.025, 0.05), crumbly=0.8),
    ),
    "dirty": Kind("hard", Photo(dirty=True, width=(0.06, 0.12))),
    "crumpled": Kind("hard", Photo(light=light.crumples)),
    # more than the paper is visible
    "desk": Kind("hardest", Photo(desk=True, share=(0.3, 0.5), width=(0.06, 0.12))),
    "lined-on-desk": Kind(
        "hardest",
        Photo(
            desk=True,
            share=(0.3, 0.5),
            width=(0.06, 0.12),
            rule=papers.lined,
            light=light.half_uneven,
        ),
    ),
    # photographs of products
    "product-on-white": Kind("product", Product(canvas(200, 600), (0.7, 0.95), (1, 1))),
    "product-on-grey": Kind("product", Product(canvas(200, 600), (0.7, 0.95), (0.8, 0.93))),
    "product-aside": Kind(
        "product", Product(canvas(300, 600, (2.5, 1.0), (1.0, 2.5)), (0.5, 0.8), (1, 1))
    ),
    "product-on-dark": Kind("product", Product(canvas(200, 600), (0.7, 0.95), (0, 0.12))),
}


def generate(
    name: str, images: Sequence[Pixels], labels: Sequence[int], n: int, seed: int = 0
) -> list[tuple[bytes, int]]:
    """Draw images of one kind.

    Parameters
    ----------
    name
        A key of `KINDS`.
    images, labels
        Samples of the kind's data set: shape (samples, 28, 28), and (samples,).
    n
        Number of images, at most that of the samples.
    seed
        The same seed gives the same files. It also chooses the samples, the same for all kinds.

    Returns
    -------
    list[tuple[bytes, int]]
        Each image file with its label.
    """
    files = []
    for index in np.random.default_rng(seed).choice(len(labels), n, replace=False):
        rng = np.random.default_rng([seed, crc32(name.encode()), index])
        files.append((KINDS[name].draw(images[index], rng), int(labels[index])))
    return files
