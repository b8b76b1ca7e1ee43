"""The kinds of images that people send, each drawn from the images of a data set.

Each kind is a function of a 28×28 image (light on dark) and a random generator. It returns the
bytes of a file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.random import Generator
from PIL import Image

from benchmarks.images import light, papers
from benchmarks.images.light import Array, Size, encode, expose, view, warp
from benchmarks.images.papers import WHITE, draw, sheet
from benchmarks.images.strokes import Ink, Pixels, outline, pen, resize

Draw = Callable[[Pixels, Generator], bytes]
Colour = tuple[float, ...]

BLACK = (0.08, 0.08, 0.09)
INKS = ((0.12, 0.18, 0.55), (0.10, 0.25, 0.70), (0.75, 0.12, 0.14), (0.10, 0.45, 0.22))


@dataclass(frozen=True)
class Group:
    """How well a network should classify the kinds of a group.

    Attributes
    ----------
    accuracy
        Share of the images, 0..1.
    loss
        What a network may lose of its accuracy on the data set itself, 0..1. The goal of a network
        is the lower one of both.
    """

    accuracy: float
    loss: float


GROUPS = {
    "clean": Group(0.95, 0.03),
    "hard": Group(0.90, 0.08),
    "hardest": Group(0.80, 0.18),
    "product": Group(1, 0.08),
}


@dataclass(frozen=True)
class Kind:
    """A kind of images: its name, its group, the data set that it is drawn from, and how."""

    name: str
    group: str
    dataset: str
    draw: Draw


KINDS: dict[str, Kind] = {}


def kind(group: str) -> Callable[[Draw], Draw]:
    """Register a function as a kind of this group."""

    def register(function: Draw) -> Draw:
        name = function.__name__.replace("_", "-")
        dataset = "fashion-mnist" if group == "product" else "mnist"
        KINDS[name] = Kind(name, group, dataset, function)
        return function

    return register


def generate(
    name: str, images: Sequence[Pixels], labels: Sequence[int], n: int, seed: int = 0
) -> list[tuple[bytes, int]]:
    """Draw images of one kind.

    Parameters
    ----------
    name
        A key of `KINDS`.
    images, labels
        A split of the kind's data set: shape (samples, 28, 28), and (samples,).
    n
        Number of images, at most that of the samples.
    seed
        The same seed gives the same files. It also chooses the samples, the same for all kinds.

    Returns
    -------
    list[tuple[bytes, int]]
        Each image file with its label.
    """
    chosen = np.random.default_rng(seed).choice(len(labels), n, replace=False)
    files = []
    for index in chosen:
        rng = np.random.default_rng([seed, crc32(name.encode()), index])
        files.append((KINDS[name].draw(images[index], rng), int(labels[index])))
    return files


# -- what the kinds have in common --------------------------------------------------------------


def grey_image(levels: Array) -> Image.Image:
    """Return levels 0..1, shape (height, width) or (height, width, 3), as an image."""
    return Image.fromarray(np.rint(np.clip(levels, 0, 1) * 255).astype(np.uint8))


def written(
    pixels: Pixels, side: float, rng: Generator, low: float = 0.05, high: float = 0.12
) -> Ink:
    """Write a digit with a pen that is between ``low`` and ``high`` of its side wide."""
    pressure = 1 + 0.12 * rng.normal(0, 1, (5, 5)).clip(-2, 2)
    width = max(side * rng.uniform(low, high), 1.8)
    return pen(pixels, round(side), width, pressure.astype(np.float32))


def somewhere(size: Size, ink: Ink, rng: Generator, free: float = 0.08) -> tuple[float, float]:
    """Choose the middle of an ink, so that it is wholly inside, with a free margin."""
    height, width = ink.shape
    margin = free * min(size)
    return tuple(
        rng.uniform(min(length / 2, part / 2 + margin), max(length / 2, length - part / 2 - margin))
        for length, part in zip(size, (width, height), strict=True)
    )  # type: ignore[return-value]


def canvas(size: Size, ground: float, ink: Ink, level: float, middle: tuple[float, float]) -> Array:
    """Draw an ink on an even grey canvas; return shape (height, width, 3)."""
    page = np.full((size[1], size[0], 3), ground, np.float32)
    draw(page, ink, (level,) * 3, middle)
    return page


def page_with(
    pixels: Pixels,
    size: Size,
    rng: Generator,
    *,
    paper: Colour = WHITE,
    colour: Colour = BLACK,
    share: tuple[float, float] = (0.25, 0.5),
    width: tuple[float, float] = (0.05, 0.12),
    rule: Callable[[Array, float, Generator], None] | None = None,
) -> Array:
    """Write a digit on a paper, near the middle; ``share`` is its share of the height."""
    page = sheet(size, paper, rng)
    side = size[1] * rng.uniform(*share)
    if rule:
        rule(page, side * rng.uniform(0.25, 0.9), rng)
    ink = written(pixels, side, rng, *width)
    draw(page, ink, colour, somewhere(size, ink, rng, 0.18))
    return page


def photo(
    page: Array, rng: Generator, lit: Array | float = 1, *, blur: float = 0.8, turn: float = 5
) -> bytes:
    """Photograph a page from a bit aside; return a JPEG file."""
    size = (page.shape[1], page.shape[0])
    seen = view(page, size, rng, turn=turn)
    lit = lit * (light.gradient(size, rng.uniform(0, 0.12), rng)) * rng.uniform(0.85, 1)
    noise = rng.uniform(0.004, 0.02)
    image = expose(seen, rng, light=lit, blur=blur * rng.uniform(0.6, 1.4), noise=noise)
    return encode(image, "JPEG", int(rng.integers(70, 95)))


def photo_size(rng: Generator) -> Size:
    """Choose the size of a photograph that was made smaller for sending."""
    long = int(rng.integers(640, 1281))
    return (long, long * 3 // 4) if rng.uniform() < 0.5 else (long * 3 // 4, long)


# -- clean kinds: drawings and good photographs --------------------------------------------------


@kind("clean")
def plain(pixels: Pixels, rng: Generator) -> bytes:
    """The image of the data set itself."""
    return encode(Image.fromarray(pixels), "PNG")


@kind("clean")
def inverted(pixels: Pixels, rng: Generator) -> bytes:
    """The same, dark on light."""
    return encode(Image.fromarray(255 - pixels), "PNG")


@kind("clean")
def upscaled(pixels: Pixels, rng: Generator) -> bytes:
    """Enlarged, light on dark."""
    side = int(rng.integers(56, 561))
    methods = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
    image = Image.fromarray(pixels).resize((side, side), methods[rng.integers(3)])
    return encode(image, *[("PNG", 90), ("JPEG", 85), ("WEBP", 85)][rng.integers(3)])


def _drawing(
    pixels: Pixels, rng: Generator, shares: Array | tuple[float, float], width: float
) -> Array:
    side = int(rng.integers(280, 601))
    ink = pen(pixels, round(side * rng.uniform(*shares)), width * side)
    return canvas((side, side), 1, ink, 0, somewhere((side, side), ink, rng, 0.03))


@kind("clean")
def paint_program(pixels: Pixels, rng: Generator) -> bytes:
    """Black on white, with a round brush."""
    width = rng.choice([0.03, 0.05, 0.07])
    return encode(grey_image(_drawing(pixels, rng, (0.5, 0.8), width)), "PNG")


@kind("clean")
def off_centre(pixels: Pixels, rng: Generator) -> bytes:
    """Black on white, small, and in a corner of the canvas."""
    side = int(rng.integers(280, 601))
    ink = pen(pixels, round(side * rng.uniform(0.2, 0.4)), side * rng.uniform(0.02, 0.04))
    x, y = (
        length / 2 + side * 0.04 if rng.uniform() < 0.5 else side - length / 2 - side * 0.04
        for length in ink.shape[::-1]
    )
    return encode(grey_image(canvas((side, side), 1, ink, 0, (x, y))), "PNG")


@kind("clean")
def drawn_thin(pixels: Pixels, rng: Generator) -> bytes:
    """Black on white, with a line of 1 to 3 pixels."""
    side = int(rng.integers(200, 401))
    ink = pen(pixels, round(side * rng.uniform(0.4, 0.8)), rng.uniform(1.2, 3))
    page = canvas((side, side), 1, ink, 0, somewhere((side, side), ink, rng, 0.04))
    return encode(grey_image(page), "PNG")


@kind("clean")
def bold_marker(pixels: Pixels, rng: Generator) -> bytes:
    """A felt pen on white paper, photographed."""
    size = photo_size(rng)
    return photo(page_with(pixels, size, rng, share=(0.3, 0.55), width=(0.12, 0.17)), rng)


@kind("clean")
def white_paper(pixels: Pixels, rng: Generator) -> bytes:
    """A pen on white paper, photographed with 1000×800 pixels."""
    return photo(page_with(pixels, (1000, 800), rng, share=(0.2, 0.5)), rng)


@kind("clean")
def small_digit(pixels: Pixels, rng: Generator) -> bytes:
    """A small digit on a large page."""
    size = photo_size(rng)
    share = (50 / size[1], 0.1) if size[1] < 1000 else (0.045, 0.1)
    return photo(page_with(pixels, size, rng, share=share, width=(0.07, 0.12)), rng)


@kind("clean")
def large_photo(pixels: Pixels, rng: Generator) -> bytes:
    """A photograph of 12 megapixels."""
    size = (1000, 750) if rng.uniform() < 0.7 else (750, 1000)
    page = view(page_with(pixels, size, rng, share=(0.15, 0.5)), size, rng)
    lit = light.gradient(size, rng.uniform(0, 0.25), rng)[:, :, None]
    image = grey_image(page * lit).resize((4 * size[0], 4 * size[1]), Image.Resampling.BICUBIC)
    noise = rng.normal(0, rng.uniform(1, 4), (500, 500, 1)).astype(np.int16)
    noisy = np.asarray(image) + np.tile(noise, (size[1] // 125, size[0] // 125, 1))
    image = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    return encode(image, "JPEG", 88)


@kind("clean")
def yellow_paper(pixels: Pixels, rng: Generator) -> bytes:
    """A pen on a yellow note."""
    paper = (rng.uniform(0.93, 0.99), rng.uniform(0.83, 0.92), rng.uniform(0.35, 0.65))
    colour = BLACK if rng.uniform() < 0.6 else INKS[0]
    size = photo_size(rng)
    return photo(page_with(pixels, size, rng, paper=paper, colour=colour), rng)


@kind("clean")
def coloured_ink(pixels: Pixels, rng: Generator) -> bytes:
    """A blue, red or green pen on white paper."""
    colour = tuple(np.clip(np.array(INKS[rng.integers(4)]) + rng.uniform(-0.05, 0.12), 0, 1))
    return photo(page_with(pixels, photo_size(rng), rng, colour=colour), rng)


@kind("clean")
def chalk(pixels: Pixels, rng: Generator) -> bytes:
    """Chalk on a blackboard."""
    size = photo_size(rng)
    board = papers.blackboard(size, rng)
    ink = written(pixels, size[1] * rng.uniform(0.3, 0.55), rng, 0.06, 0.12)
    holes = light.smooth_noise(ink.shape[::-1], 3, rng) + light.smooth_noise(
        ink.shape[::-1], 8, rng
    )
    ink = ink * np.clip(0.85 + 0.35 * holes, 0.25, 1)
    chalks = ((0.9, 0.9, 0.88), (0.92, 0.88, 0.6), (0.9, 0.75, 0.78))
    draw(board, ink, chalks[rng.choice(3, p=(0.7, 0.2, 0.1))], somewhere(size, ink, rng, 0.18))
    return photo(board, rng)


@kind("clean")
def transparent(pixels: Pixels, rng: Generator) -> bytes:
    """Dark or light ink on a transparent ground."""
    side = int(rng.integers(100, 401))
    ink = pen(pixels, round(side * rng.uniform(0.5, 0.9)), side * rng.uniform(0.03, 0.08))
    alpha = canvas((side, side), 0, ink, 1, somewhere((side, side), ink, rng, 0.02))[:, :, :1]
    colour = [BLACK, (0, 0, 0), INKS[0], (1, 1, 1), (0.95, 0.9, 0.6)][rng.integers(5)]
    rgb = np.broadcast_to(np.asarray(colour, np.float32), (side, side, 3))
    return encode(grey_image(np.concatenate([rgb, alpha], axis=2)), "PNG")


@kind("clean")
def exif_rotated(pixels: Pixels, rng: Generator) -> bytes:
    """A photograph whose EXIF data say how to turn it."""
    size = photo_size(rng)
    page = view(page_with(pixels, size, rng), size, rng)
    image = expose(page, rng, light=rng.uniform(0.85, 1), noise=rng.uniform(0.004, 0.015))
    orientation = int(rng.choice([1, 3, 6, 8]))
    turn = {
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    if orientation in turn:
        image = image.transpose(turn[orientation])
    return encode(image, "JPEG", 88, orientation)


@kind("clean")
def sixteen_bits(pixels: Pixels, rng: Generator) -> bytes:
    """A scan with 16 bits for each grey level."""
    size = (int(rng.integers(200, 601)), int(rng.integers(200, 601)))
    ink = written(pixels, min(size) * rng.uniform(0.4, 0.8), rng)
    page = sheet(size, WHITE, rng)
    draw(page, ink, (0.1,) * 3, somewhere(size, ink, rng, 0.04))
    levels = np.clip(page.mean(axis=2), 0, 1)
    return encode(Image.fromarray((levels * 65535).astype(np.uint16)), "PNG")


@kind("clean")
def tight_crop(pixels: Pixels, rng: Generator) -> bytes:
    """A digit that touches the borders of the image."""
    side = rng.uniform(120, 500)
    ink = written(pixels, side, rng, 0.06, 0.12)
    cut = int(rng.integers(0, 3))
    ink = np.pad(ink, ((0, cut * 4), (cut * 2, 0)))
    image = grey_image(0.95 - 0.85 * ink) if rng.uniform() < 0.7 else grey_image(0.05 + 0.9 * ink)
    return encode(image, "PNG" if rng.uniform() < 0.5 else "JPEG", 88)


@kind("clean")
def not_square(pixels: Pixels, rng: Generator) -> bytes:
    """A very wide or very tall image."""
    short = int(rng.integers(120, 400))
    size = (short, round(short * rng.uniform(2, 5)))
    size = size if rng.uniform() < 0.5 else size[::-1]
    ink = written(pixels, short * rng.uniform(0.4, 0.8), rng)
    page = sheet(size, WHITE, rng)
    draw(page, ink, BLACK, somewhere(size, ink, rng, 0.05))
    return encode(grey_image(page), "PNG" if rng.uniform() < 0.5 else "JPEG", 85)


@kind("clean")
def tablet(pixels: Pixels, rng: Generator) -> bytes:
    """A drawing with a stylus on a light grey canvas."""
    size = (int(rng.integers(400, 1025)), int(rng.integers(400, 1025)))
    ink = written(pixels, min(size) * rng.uniform(0.3, 0.7), rng, 0.03, 0.08)
    ground = rng.uniform(0.82, 0.97)
    page = canvas(size, ground, ink, rng.uniform(0, 0.3), somewhere(size, ink, rng))
    return encode(grey_image(page), "PNG" if rng.uniform() < 0.7 else "WEBP")


@kind("clean")
def blurred(pixels: Pixels, rng: Generator) -> bytes:
    """A photograph that is out of focus."""
    size = photo_size(rng)
    page = page_with(pixels, size, rng, width=(0.08, 0.13))
    return photo(page, rng, blur=rng.uniform(0.003, 0.009) * max(size))


# -- hard kinds: bad light, ruled paper, faint ink, dirt -----------------------------------------


def _uneven(size: Size, rng: Generator) -> Array:
    match rng.integers(3):
        case 0:
            return light.gradient(size, rng.uniform(0.35, 0.65), rng)
        case 1:
            return light.vignette(size, rng.uniform(0.35, 0.6)) * rng.uniform(0.8, 1)
        case _:
            return light.spot(size, rng.uniform(0.4, 0.65), rng)


@kind("hard")
def uneven_light(pixels: Pixels, rng: Generator) -> bytes:
    """Light from one side, dark corners, or a lamp."""
    page = page_with(pixels, photo_size(rng), rng)
    return photo(page, rng, _uneven((page.shape[1], page.shape[0]), rng))


@kind("hard")
def dim_paper(pixels: Pixels, rng: Generator) -> bytes:
    """Little light: the paper is darker than middle grey."""
    page = page_with(pixels, photo_size(rng), rng)
    return photo(page, rng, rng.uniform(0.3, 0.52))


@kind("hard")
def shadowed(pixels: Pixels, rng: Generator) -> bytes:
    """A shadow on the paper, with a hard or soft edge."""
    page = page_with(pixels, photo_size(rng), rng)
    size = (page.shape[1], page.shape[0])
    softness = np.exp(rng.uniform(np.log(0.02), np.log(0.4)))
    return photo(page, rng, light.shadow(size, rng.uniform(0.25, 0.55), rng, softness))


@kind("hard")
def lined_paper(pixels: Pixels, rng: Generator) -> bytes:
    """Lined paper, perhaps with a red margin."""
    colour = BLACK if rng.uniform() < 0.5 else INKS[rng.integers(2)]
    return photo(page_with(pixels, photo_size(rng), rng, colour=colour, rule=papers.lined), rng)


@kind("hard")
def squared_paper(pixels: Pixels, rng: Generator) -> bytes:
    """Squared paper."""
    colour = BLACK if rng.uniform() < 0.5 else INKS[rng.integers(2)]
    return photo(page_with(pixels, photo_size(rng), rng, colour=colour, rule=papers.squared), rng)


@kind("hard")
def thin_pencil(pixels: Pixels, rng: Generator) -> bytes:
    """A thin, faint and grainy pencil."""
    size = photo_size(rng)
    page = sheet(size, WHITE, rng)
    ink = written(pixels, size[1] * rng.uniform(0.2, 0.45), rng, 0.025, 0.05)
    grain = light.smooth_noise(ink.shape[::-1], 1.5, rng)
    ink = ink * np.clip(0.8 + 0.5 * grain, 0.2, 1)
    draw(page, ink, (rng.uniform(0.35, 0.6),) * 3, somewhere(size, ink, rng, 0.18))
    return photo(page, rng)


@kind("hard")
def dirty(pixels: Pixels, rng: Generator) -> bytes:
    """Specks of dirt."""
    page = page_with(pixels, photo_size(rng), rng, width=(0.06, 0.12))
    papers.speck(page, 2, 0.1, rng)  # about 12 pixels
    for _ in range(rng.integers(3, 9)):
        papers.speck(page, rng.uniform(1, 6), rng.uniform(0, 0.5), rng)
    return photo(page, rng)


@kind("hard")
def crumpled(pixels: Pixels, rng: Generator) -> bytes:
    """Crumpled paper."""
    page = page_with(pixels, photo_size(rng), rng)
    size = (page.shape[1], page.shape[0])
    return photo(page, rng, papers.crumples(size, rng.uniform(0.06, 0.16), rng))


# -- hardest kinds: more than the paper is visible -----------------------------------------------


def _on_desk(page: Array, rng: Generator) -> Array:
    """Lay a page on a dark desk, which is visible on one to four sides."""
    height, width = page.shape[:2]
    size = (width, height)
    angle = np.radians(rng.uniform(-10, 10))
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) * rng.uniform(0.97, 1.03, (4, 2))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    half = np.array([width, height]) / 2 / rng.uniform(0.6, 0.85)
    shift = rng.uniform(-0.25, 0.25, 2) * half
    quad = (corners * half) @ rotation.T + (width / 2, height / 2) + shift
    paper = warp(page, quad, size)
    inside = warp(np.ones_like(page), quad, size)
    shade = np.roll(light.gaussian_filter(inside[:, :, :1], (8, 8, 0)), (4, 4), (0, 1))
    return papers.desk(size, rng) * (1 - 0.5 * shade) * (1 - inside) + paper * inside


def _photo_of(scene: Array, rng: Generator, lit: Array | float = 1) -> bytes:
    lit = lit * np.ones(scene.shape[:2], np.float32) * rng.uniform(0.8, 1)
    image = expose(
        scene, rng, light=lit, blur=rng.uniform(0.5, 1.2), noise=rng.uniform(0.004, 0.02)
    )
    return encode(image, "JPEG", int(rng.integers(70, 95)))


@kind("hardest")
def desk(pixels: Pixels, rng: Generator) -> bytes:
    """A paper on a dark desk."""
    page = page_with(pixels, photo_size(rng), rng, share=(0.3, 0.5), width=(0.06, 0.12))
    return _photo_of(_on_desk(page, rng), rng)


@kind("hardest")
def lined_on_desk(pixels: Pixels, rng: Generator) -> bytes:
    """A lined paper on a dark desk, in uneven light."""
    size, width = photo_size(rng), (0.06, 0.12)
    page = page_with(pixels, size, rng, share=(0.3, 0.5), width=width, rule=papers.lined)
    return _photo_of(_on_desk(page, rng), rng, 0.5 + 0.5 * _uneven(size, rng))


# -- photographs of products -----------------------------------------------------------------


def _product(pixels: Pixels, size: Size, share: float, ground: float, rng: Generator) -> bytes:
    """Enlarge a product, and show it on a light ground (it is inverted) or a dark one."""
    side = round(min(size) * share)
    cover = np.clip(resize(pixels / 255, side, side), 0, 1)
    page = np.zeros(size[::-1], np.float32)
    left, top = (int(rng.integers(0, length - side + 1)) for length in size)
    page[top : top + side, left : left + side] = cover
    levels = ground * (1 - page) if ground > 0.5 else ground + (1 - ground) * page
    levels = levels + rng.normal(0, rng.uniform(0, 0.01), levels.shape)
    return encode(grey_image(levels), "JPEG" if rng.uniform() < 0.7 else "PNG", 88)


@kind("product")
def product_on_white(pixels: Pixels, rng: Generator) -> bytes:
    """A product on a white ground."""
    side = int(rng.integers(200, 601))
    return _product(pixels, (side, side), rng.uniform(0.7, 0.95), 1, rng)


@kind("product")
def product_on_grey(pixels: Pixels, rng: Generator) -> bytes:
    """A product on a light grey ground."""
    side = int(rng.integers(200, 601))
    return _product(pixels, (side, side), rng.uniform(0.7, 0.95), rng.uniform(0.8, 0.93), rng)


@kind("product")
def product_aside(pixels: Pixels, rng: Generator) -> bytes:
    """A product anywhere on a large white ground that is not square."""
    size = (int(rng.integers(700, 1001)), int(rng.integers(300, 601)))
    size = size if rng.uniform() < 0.5 else size[::-1]
    return _product(pixels, size, rng.uniform(0.5, 0.8), 1, rng)


@kind("product")
def product_on_dark(pixels: Pixels, rng: Generator) -> bytes:
    """A product on a dark ground."""
    side = int(rng.integers(200, 601))
    return _product(pixels, (side, side), rng.uniform(0.7, 0.95), rng.uniform(0, 0.12), rng)
