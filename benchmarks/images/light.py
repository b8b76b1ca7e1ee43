"""Light, shadows, the lens, the sensor, and the file of a photograph.

A light is an array of shape (height, width): factors of the brightness. A scene has the shape
(height, width, 3), 0 (black) to 1 (white), in the levels of a file, not in those of light.
"""

import io

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import ExifTags, Image
from scipy.ndimage import gaussian_filter

from benchmarks.images.strokes import resize

Array = NDArray[np.float32]
Size = tuple[int, int]  # (width, height)


def smooth_noise(size: Size, cell: float, rng: Generator) -> Array:
    """Return noise of about −1..1 whose spots are about ``cell`` pixels large."""
    width, height = size
    grid = rng.normal(0, 0.5, (max(2, round(height / cell) + 1), max(2, round(width / cell) + 1)))
    return resize(grid, width, height)


def across(size: Size, angle: float) -> Array:
    """Return the position of each pixel in a direction: 0 in the middle, about ±1 at the borders."""
    width, height = size
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y


def gradient(size: Size, depth: float, rng: Generator) -> Array:
    """Light from one side: 1 at the bright end, about 1 − depth at the dark one."""
    return 1 - depth / 2 * (1 + np.clip(across(size, rng.uniform(0, 2 * np.pi)), -1, 1))


def spot(size: Size, depth: float, rng: Generator) -> Array:
    """Return the light of a lamp near the paper: bright in one place, 1 − depth far from it."""
    x, y = across(size, 0), across(size, np.pi / 2)
    radius = rng.uniform(0.6, 1.2)
    square = (x - rng.uniform(-0.7, 0.7)) ** 2 + (y - rng.uniform(-0.7, 0.7)) ** 2
    return (1 - depth + depth * np.exp(-square / (2 * radius**2))).astype(np.float32)


def vignette(size: Size, depth: float) -> Array:
    """Return the light of a lens that darkens the corners to 1 − depth."""
    return 1 - depth * (across(size, 0) ** 2 + across(size, np.pi / 2) ** 2) / 2


def shadow(size: Size, depth: float, rng: Generator, softness: float) -> Array:
    """Return a shadow whose slightly curved edge passes near the middle at any angle.

    Parameters
    ----------
    size
        (width, height), in pixels.
    depth
        The shadow is 1 − depth as bright as the rest.
    rng
        Chooses the angle, the place and the curve.
    softness
        Width of the edge, as a share of half the image.
    """
    edge = across(size, rng.uniform(0, 2 * np.pi)) - rng.uniform(-0.35, 0.35)
    edge += 0.08 * smooth_noise(size, max(size) / 3, rng)
    return (1 - depth / (1 + np.exp(-np.clip(4 * edge / softness, -30, 30)))).astype(np.float32)


def view(page: Array, size: Size, rng: Generator, *, share: float = 0.8, turn: float = 4) -> Array:
    """Look at the middle of a page, a bit from the side and not quite upright.

    Parameters
    ----------
    page
        Shape (height, width, 3).
    size
        (width, height) of the result, in pixels.
    rng
        Chooses the rotation, and where the corners lie.
    share
        Share of the page that is seen.
    turn
        Largest rotation, in degrees.
    """
    height, width = page.shape[:2]
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) * share
    corners = corners * rng.uniform(0.97, 1.03, (4, 2))
    angle = np.radians(rng.uniform(-turn, turn))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    quad = (corners * (width / 2, height / 2)) @ rotation.T + (width / 2, height / 2)
    return warp(page, np.clip(quad, 0, (width - 1, height - 1)), size)


def warp(page: Array, quad: NDArray[np.floating], size: Size) -> Array:
    """Show the quadrilateral ``quad`` of a page as an image of this size.

    The corners (x, y) start at the upper left one, and go round through the lower left one.
    """
    width, height = size
    to = np.array([[0, 0], [0, height], [width, height], [width, 0]], float)
    rows = []
    for (x, y), (u, v) in zip(to, quad, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    coefficients = np.linalg.solve(np.array(rows), quad.ravel())
    image = Image.fromarray(np.rint(np.clip(page, 0, 1) * 255).astype(np.uint8))
    method = (Image.Transform.PERSPECTIVE, tuple(coefficients), Image.Resampling.BICUBIC)
    return np.asarray(image.transform(size, *method), np.float32) / 255


def expose(
    scene: Array,
    rng: Generator,
    *,
    light: Array | float = 1,
    blur: float = 0.7,
    noise: float = 0.01,
) -> Image.Image:
    """Take the photograph: light, blur of the lens (pixels), and noise of the sensor (0..1)."""
    lit = scene * (light[:, :, None] if isinstance(light, np.ndarray) else np.float32(light))
    if blur > 0.2:
        lit = gaussian_filter(lit, (blur, blur, 0))
    if noise:
        grain = rng.standard_normal(lit.shape[:2], np.float32)[:, :, None]
        colour = rng.standard_normal(lit.shape, np.float32)
        lit = lit + noise * (0.8 * grain + 0.5 * colour) * (0.5 + 0.5 * lit)
    return Image.fromarray(np.rint(np.clip(lit, 0, 1) * 255).astype(np.uint8))


def encode(image: Image.Image, form: str, quality: int = 90, orientation: int = 1) -> bytes:
    """Encode an image as a PNG, JPEG or WebP file."""
    buffer = io.BytesIO()
    if form == "PNG":
        image.save(buffer, form)
    elif orientation == 1:
        image.save(buffer, form, quality=quality)
    else:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        image.save(buffer, form, quality=quality, exif=exif)
    return buffer.getvalue()
