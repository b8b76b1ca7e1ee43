"""The compiled form of augmentation: the same arithmetic as in `resampling`, as loops."""

from math import cos, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.kernels.compiling import compiled, kept
from stepbox.training.augmentation import Augmenter
from stepbox.training.resampling import SHARPNESS, Images


class CompiledAugmenter(Augmenter):
    """An `Augmenter` that runs the functions below."""

    def resample(self, *arguments: Any) -> Images:
        """Rotate, stretch, move and warp grey images."""
        return resample(*arguments)

    def move(self, *arguments: Any) -> Images:
        """Mirror and move grey images."""
        return move(*arguments)


@compiled
def cubic_weights(u: float) -> tuple[float, float, float, float]:
    """Return the weights of four adjacent pixels for a place between the second and the third."""
    a, v = -SHARPNESS, 1 - u
    near = ((a + 2) * u - (a + 3)) * u * u + 1
    far = ((a + 2) * v - (a + 3)) * v * v + 1
    return a * u * v * v, near, far, a * u * u * v


@kept
def resample(
    images: Images,
    fields: Array,
    chosen: NDArray[np.int64],
    signs: Array,
    angles: Array,
    stretches: Array,
    shifts: Array,
) -> Images:
    """Compute each new pixel from the 16 old pixels around its source position."""
    count, height, width = images.shape
    varied = np.empty_like(images)
    # A black frame, wide enough for source positions beyond the edges.
    framed = np.zeros((height + 5, width + 5))
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    for n in range(count):
        framed[2 : height + 2, 2 : width + 2] = images[n]
        field = chosen[n]
        cosine, sine = cos(angles[n]), sin(angles[n])
        for i in range(height):
            for j in range(width):
                dy, dx = i - middle_y, j - middle_x
                y = middle_y + stretches[n, 0] * (cosine * dy - sine * dx) + shifts[n, 0]
                x = middle_x + stretches[n, 1] * (sine * dy + cosine * dx) + shifts[n, 1]
                y = min(max(y + signs[n, 0] * fields[field, 0, i, j] + 2, 1), height + 2)
                x = min(max(x + signs[n, 1] * fields[field, 1, i, j] + 2, 1), width + 2)
                top, left = int(y), int(x)
                total = 0.0
                if framed[top : top + 2, left : left + 2].any():
                    columns = cubic_weights(x - left)
                    for row, weight in enumerate(cubic_weights(y - top)):
                        for column in range(4):
                            pixel = framed[top - 1 + row, left - 1 + column]
                            total += weight * columns[column] * pixel
                varied[n, i, j] = int(min(max(total, 0), 255) + 0.5)
    return varied


@kept
def move(images: Images, mirrored: NDArray[np.bool_], moves: NDArray[np.int64]) -> Images:
    """Mirror some of the images, then move images by whole pixels."""
    count, height, width = images.shape
    varied = np.zeros_like(images)
    for n in range(count):
        down, right = moves[n]
        for i in range(max(down, 0), height + min(down, 0)):
            # `::1` changes nothing, but gives both slices the same type for the compiler.
            row = images[n, i - down, ::-1] if mirrored[n] else images[n, i - down, ::1]
            part = row[max(-right, 0) : width - max(right, 0)]
            varied[n, i, max(right, 0) : width + min(right, 0)] = part
    return varied
