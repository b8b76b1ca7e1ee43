"""Photographs and drawings: each turns the pixels of one image into the bytes of a file."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFilter

from benchmarks.images import papers
from benchmarks.images.light import Array, Size, blotches, even
from benchmarks.images.papers import Colour, draw, grain
from benchmarks.images.strokes import Ink, Pixels, outline, pen, resize

Range = tuple[float, float]

BLACK, BLUE, RED, GREEN = (
    (0.08, 0.08, 0.09),
    (0.11, 0.21, 0.62),
    (0.75, 0.12, 0.14),
    (0.1, 0.45, 0.22),
)
TURNS = {
    1: None,  # the EXIF orientation of a camera that was held upright
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


def photo_size(rng: Generator) -> Size:
    """Choose the size of a photograph that was made smaller for sending."""
    long = int(rng.integers(560, 1121))
    return (long, long * 3 // 4) if rng.uniform() < 0.5 else (long * 3 // 4, long)


@dataclass(frozen=True)
class Photo:
    """Photographs of a digit on paper.

    Attributes
    ----------
    paper, light, rule
        Functions that return the paper and the light, and that print lines on the paper.
    inks
        Colours to choose from.
    share
        Height of the digit, as a share of that of the page. The image shows 80 % of the page.
    width
        Width of the pen, as a share of that height; None keeps the strokes of the digit.
    crumbly
        How uneven the ink is: 0 for a pen, 1 for chalk.
    dirty, desk
        Whether there are specks of dirt, and whether the desk around the paper is visible.
    blur
        Deviation of the blur, as a share of the image's longer side.
    size
        Chooses (width, height), which are then multiplied by ``zoom``.
    turned
        Whether the EXIF data say how to turn the image.
    """

    paper: Callable[[Size, Generator], Array] = papers.sheet
    light: Callable[[Size, Generator], Array] = even
    rule: Callable[[Array, float, Generator], None] | None = None
    inks: tuple[Colour, ...] = (BLACK,)
    share: Range = (0.25, 0.5)
    width: Range | None = (0.05, 0.12)
    crumbly: float = 0
    dirty: bool = False
    desk: bool = False
    blur: Range = (0.0005, 0.0012)
    size: Callable[[Generator], Size] = photo_size
    zoom: int = 1
    turned: bool = False

    def __call__(self, pixels: Pixels, rng: Generator) -> bytes:
        """Photograph a digit; return a JPEG file."""
        size = self.size(rng)
        page = self.paper(size, rng)
        side = size[1] * rng.uniform(*self.share)
        if self.rule:
            self.rule(page, side * rng.uniform(0.25, 1.2), rng)
        ink = written(pixels, side, self.width, rng)
        if self.crumbly:
            holes = blotches(ink.shape[::-1], 3, rng) + blotches(ink.shape[::-1], 8, rng)
            ink = ink * np.clip(0.85 + 0.35 * self.crumbly * holes, 0.2, 1)
        colour = np.array(self.inks[rng.integers(len(self.inks))]) + rng.uniform(-0.04, 0.06)
        draw(page, ink, tuple(colour), anywhere(size, ink, rng, 0.18))
        if self.dirty:
            papers.specks(page, rng)
        scene = on_desk(page, rng) if self.desk else view(page, rng)
        image = to_image(scene * self.light(size, rng)[:, :, None])
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(*self.blur) * max(size)))
        image = image.resize((size[0] * self.zoom, size[1] * self.zoom), Image.Resampling.BICUBIC)
        noise = grain(image.size, 0.4, rng) * rng.uniform(1, 5)
        levels = np.asarray(image) + noise.astype(np.int16)[:, :, None]
        image = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
        return encode(image, "JPEG", rng, int(rng.choice(list(TURNS))) if self.turned else 1)


@dataclass(frozen=True)
class Drawing:
    """Drawings of a digit in a program.

    Attributes
    ----------
    size
        Chooses (width, height), in pixels.
    share
        Longer side of the digit, as a share of the shorter side of the canvas.
    width
        Width of the brush, as a share of the digit's longer side; at least 1.2 pixels.
    ground, ink
        Grey levels, 0..1.
    corner
        Whether the digit is in a corner of the canvas.
    forms
        File formats to choose from; ``PNG16`` has 16 bits.
    """

    size: Callable[[Generator], Size]
    share: Range
    width: Range
    ground: Range = (1, 1)
    ink: Range = (0, 0)
    corner: bool = False
    forms: tuple[str, ...] = ("PNG",)

    def __call__(self, pixels: Pixels, rng: Generator) -> bytes:
        """Draw a digit; return a file."""
        size = self.size(rng)
        side = min(size) * rng.uniform(*self.share)
        ink = pen(pixels, side, max(1.2, side * rng.uniform(*self.width)))
        page = np.full((*size[::-1], 1), rng.uniform(*self.ground), np.float32)
        middle = anywhere(size, ink, rng, 0.04)
        if self.corner:
            ends = [(0.54 * n, m - 0.54 * n) for m, n in zip(size, ink.shape[::-1], strict=True)]
            middle = (rng.choice(ends[0]), rng.choice(ends[1]))
        draw(page, ink, (rng.uniform(*self.ink),), middle)
        form = str(rng.choice(self.forms))
        if form == "PNG16":
            return encode(Image.fromarray((page[:, :, 0] * 65535).astype(np.uint16)), "PNG", rng)
        return encode(to_image(page[:, :, 0]), form, rng)


@dataclass(frozen=True)
class Product:
    """Photographs of a product: its share of the shorter side, and the level of the ground, 0..1.

    On a light ground, the product is inverted.
    """

    size: Callable[[Generator], Size]
    share: Range
    ground: Range

    def __call__(self, pixels: Pixels, rng: Generator) -> bytes:
        """Enlarge a product, and show it somewhere on the ground; return a file."""
        size, ground = self.size(rng), rng.uniform(*self.ground)
        side = round(min(size) * rng.uniform(*self.share))
        left, top = (int(rng.integers(0, length - side + 1)) for length in size)
        cover = np.zeros(size[::-1], np.float32)
        cover[top : top + side, left : left + side] = resize(pixels / 255, side, side)
        levels = ground * (1 - cover) if ground > 0.5 else ground + (1 - ground) * cover
        levels += rng.uniform(0, 0.008) * grain(size, 0.4, rng)
        return encode(to_image(levels), str(rng.choice(["JPEG", "JPEG", "PNG"])), rng)


def original(pixels: Pixels, rng: Generator) -> bytes:
    """Return the image of the data set."""
    return encode(Image.fromarray(pixels), "PNG", rng)


def inverted(pixels: Pixels, rng: Generator) -> bytes:
    """Return the same image, dark on light."""
    return encode(Image.fromarray(255 - pixels), "PNG", rng)


def upscaled(pixels: Pixels, rng: Generator) -> bytes:
    """Enlarge the image, light on dark, as programs do."""
    side, method = int(rng.integers(56, 561)), Image.Resampling(rng.choice([0, 2, 3]))
    image = Image.fromarray(pixels).resize((side, side), method)
    return encode(image, str(rng.choice(["PNG", "JPEG", "WEBP"])), rng)


def transparent(pixels: Pixels, rng: Generator) -> bytes:
    """Draw dark or light ink on a transparent ground."""
    side = int(rng.integers(100, 401))
    ink = pen(pixels, side * rng.uniform(0.5, 0.85), side * rng.uniform(0.03, 0.08))
    colours = ((0, 0, 0), BLACK, BLUE, (1, 1, 1), (0.95, 0.9, 0.6))
    page = np.full((side, side, 4), (*colours[rng.integers(len(colours))], 0), np.float32)
    draw(page[:, :, 3:], ink, (1,), anywhere((side, side), ink, rng, 0.02))
    return encode(to_image(page), "PNG", rng)


def tight(pixels: Pixels, rng: Generator) -> bytes:
    """Draw a digit that touches the borders of the image, dark on light or light on dark."""
    ink = written(pixels, rng.uniform(120, 500), (0.06, 0.12), rng)
    levels = 0.95 - 0.85 * ink if rng.uniform() < 0.7 else 0.05 + 0.9 * ink
    return encode(to_image(levels), str(rng.choice(["JPEG", "PNG"])), rng)


def written(pixels: Pixels, side: float, width: Range | None, rng: Generator) -> Ink:
    """Write a digit by hand; see `Photo` for the width."""
    if width is None:
        return outline(pixels, side)
    pressure = 1 + 0.12 * rng.normal(0, 1, (5, 5)).clip(-2, 2)
    return pen(pixels, side, max(1.8, side * rng.uniform(*width)), pressure.astype(np.float32))


def anywhere(size: Size, ink: Ink, rng: Generator, margin: float) -> tuple[float, float]:
    """Choose the middle (x, y) of an ink, inside, with a margin: a share of the shorter side."""
    x, y = (
        rng.uniform(least, length - least)
        if (least := n / 2 + margin * min(size)) < length / 2
        else length / 2
        for length, n in zip(size, ink.shape[::-1], strict=True)
    )
    return x, y


def view(page: Array, rng: Generator) -> Array:
    """Show the middle of a page, a bit from the side and not quite upright."""
    quad = _corners(page, 0.8, 5, rng)
    return warp(page, np.clip(quad, 0, (page.shape[1] - 1, page.shape[0] - 1)))


def on_desk(page: Array, rng: Generator) -> Array:
    """Lay a page on a desk, which is visible on one to four sides."""
    size = np.array(page.shape[1::-1])
    zoom = rng.uniform(0.95, 1.7)
    shift = size * rng.uniform(-1, 1, 2) * (zoom / 2 - 0.4)
    quad = _corners(page, zoom, 10, rng) + shift
    cover = warp(np.ones(page.shape[:2], np.float32), quad)
    shade = Image.fromarray((cover * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(8))
    dark = np.roll(np.asarray(shade, np.float32) / 255, (4, 4), (0, 1))
    desk = papers.desk((int(size[0]), int(size[1])), rng) * (1 - 0.5 * dark[:, :, None])
    return desk + (warp(page, quad) - desk) * cover[:, :, None]


def _corners(page: Array, zoom: float, turn: float, rng: Generator) -> NDArray[np.floating]:
    """Return the corners (x, y) of a turned part of a page; start with the upper left, go down."""
    angle = np.radians(rng.uniform(-turn, turn))
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array(page.shape[1::-1]) / 2
    around = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) * rng.uniform(0.97, 1.03, (4, 2))
    return (around * middle * zoom) @ rotation + middle


def warp(page: Array, quad: NDArray[np.floating]) -> Array:
    """Show the quadrilateral ``quad`` of a page as an image of the page's size."""
    height, width = page.shape[:2]
    rows = []
    for (x, y), (u, v) in zip(
        ((0, 0), (0, height), (width, height), (width, 0)), quad, strict=True
    ):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    method = Image.Transform.PERSPECTIVE, tuple(np.linalg.solve(np.array(rows), quad.ravel()))
    image = to_image(page).transform((width, height), *method, Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32) / 255


def to_image(levels: Array) -> Image.Image:
    """Return levels 0..1, shape (height, width) or (height, width, channels), as an image."""
    return Image.fromarray((np.clip(levels, 0, 1) * 255 + 0.5).astype(np.uint8))


def encode(image: Image.Image, form: str, rng: Generator, orientation: int = 1) -> bytes:
    """Encode an image; turn it so that its EXIF orientation turns it back."""
    options: dict[str, object] = {} if form == "PNG" else {"quality": int(rng.integers(70, 95))}
    if (turn := TURNS[orientation]) is not None:
        image, exif = image.transpose(turn), Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        options["exif"] = exif
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
