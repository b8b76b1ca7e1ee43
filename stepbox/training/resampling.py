"""How augmentation computes the pixels of a varied image: the definition.

`augmentation_loops` has the same arithmetic as compiled loops.

References
----------
Keys, R. (1981). Cubic convolution interpolation for digital image processing.
"""

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array

Images = NDArray[np.uint8]

# −a of Keys's weights. Torch's `grid_sample` has the same, and offers no other. With 0, the
# interpolation would blur, as a linear one does.
SHARPNESS = 0.75
PIXELS_AT_ONCE = 2**20  # of new pixels: 8 MB for each of about ten arrays


def cubic_weights(u: Array) -> tuple[Array, Array, Array, Array]:
    """Return the weights of four adjacent pixels for a place between the second and the third.

    `u` is its distance from the second pixel, in px. The interpolation is that of Keys with
    a = −SHARPNESS. The weights of the outer pixels are negative, which keeps edges sharp.
    """
    a, v = -SHARPNESS, 1 - u
    near = ((a + 2) * u - (a + 3)) * u * u + 1
    far = ((a + 2) * v - (a + 3)) * v * v + 1
    return a * u * v * v, near, far, a * u * u * v


def resample(
    images: Images,
    fields: Array,
    chosen: NDArray[np.int64],
    signs: Array,
    angles: Array,
    stretches: Array,
    shifts: Array,
) -> Images:
    """Compute each new pixel from the 16 old pixels around its source position.

    The source position of the pixel p is c + S R (p − c) + s + u(p): R rotates about the centre c
    by the angle, S stretches each axis, s is the shift, and u is the field. A pixel whose four
    nearest old pixels are black is black.

    The interpolation is cubic. A linear one blurs: half of the white pixels become grey, and
    networks with convolutions that train on such images are less accurate on sharp ones.

    Parameters
    ----------
    images
        Shape (n, height, width), 0..255; black beyond the edges.
    fields
        Shape (fields, 2, height, width), px down and px to the right.
    chosen, signs, angles, stretches, shifts
        See `augmentation.Distortions`.

    Returns
    -------
    Images
        Same shape, rounded to integers from 0 to 255.
    """
    count, height, width = images.shape
    varied = np.empty_like(images)
    dy, dx = np.ogrid[:height, :width]
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    dy, dx = dy - middle_y, dx - middle_x
    size = max(1, PIXELS_AT_ONCE // (height * width))
    for start in range(0, count, size):
        block = slice(start, start + size)
        # A black frame, wide enough for source positions beyond the edges.
        framed = np.pad(images[block].astype(np.float64), ((0, 0), (2, 3), (2, 3)))
        n = np.arange(len(framed))[:, None, None]
        cosine, sine = np.cos(angles[block])[n], np.sin(angles[block])[n]
        warp = signs[block, :, None, None] * fields[chosen[block]]
        y = middle_y + stretches[block][n, 0] * (cosine * dy - sine * dx) + shifts[block][n, 0]
        x = middle_x + stretches[block][n, 1] * (sine * dy + cosine * dx) + shifts[block][n, 1]
        y = (y + warp[:, 0] + 2).clip(1, height + 2)
        x = (x + warp[:, 1] + 2).clip(1, width + 2)
        top, left = y.astype(int), x.astype(int)
        total, lit = np.zeros(y.shape), np.zeros(y.shape, bool)
        columns = cubic_weights(x - left)
        for row, weight in enumerate(cubic_weights(y - top)):
            for column in range(4):
                pixels = framed[n, top - 1 + row, left - 1 + column]
                total += weight * columns[column] * pixels
                if row in (1, 2) and column in (1, 2):
                    lit |= pixels > 0
        varied[block] = np.where(lit, total.clip(0, 255) + 0.5, 0)
    return varied


def move(images: Images, mirrored: NDArray[np.bool_], moves: NDArray[np.int64]) -> Images:
    """Mirror some of the images, then move images by whole pixels. New pixels are black.

    Parameters
    ----------
    images
        Shape (n, height, width), 0..255.
    mirrored, moves
        See `augmentation.Moves`.

    Returns
    -------
    Images
        Same shape.
    """
    _, height, width = images.shape
    varied = np.empty_like(images)
    frame = int(np.abs(moves).max(initial=0))
    framed = np.pad(images, ((0, 0), (frame, frame), (frame, frame)))
    for n, (top, left) in enumerate(frame - moves):
        image = framed[n, :, ::-1] if mirrored[n] else framed[n]
        varied[n] = image[top : top + height, left : left + width]
    return varied
