"""Draw a sheet of image files: each above what the network sees of it."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from benchmarks.images.classifiers import seen
from stepbox.run import Model

CELL = 168  # pixels: six times the side of what the network sees
COLUMNS = 10
GROUND = (128, 160, 190)  # a colour that shows transparent images, dark and light


def sheet(files: Sequence[tuple[bytes, int]], model: Model) -> Image.Image:
    """Return the sheet."""
    rows = -(-len(files) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * CELL, rows * 2 * CELL), GROUND)
    for number, (file, _) in enumerate(files):
        row, column = divmod(number, COLUMNS)
        shown = thumbnail(file)
        left = column * CELL + (CELL - shown.width) // 2
        top = 2 * row * CELL + (CELL - shown.height) // 2
        whole.paste(shown, (left, top), shown)
        pixels = Image.fromarray(seen(model, file))
        pixels = pixels.resize((CELL - 4, CELL - 4), Image.Resampling.NEAREST)
        whole.paste(pixels, (column * CELL + 2, (2 * row + 1) * CELL))
    return whole


def thumbnail(file: bytes) -> Image.Image:
    """Return a small upright copy of an image, with transparency."""
    image: Image.Image = Image.open(io.BytesIO(file))
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = ImageOps.exif_transpose(image).convert("RGBA")
    image.thumbnail((CELL - 4, CELL - 4), Image.Resampling.BOX)
    return image
