"""Occlusion: how much less sure a network is of its answer if a part of the image is covered."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from stepbox.analysis.result import Matrix, Result
from stepbox.data.dataset import DatasetSpec, PixelScale, scale_pixels
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network

MOST_CELLS = 400  # times that the network runs for an image; enough to see which strokes matter
FILLS = {"dark": 0, "light": 255, None: 128}  # level by the data set's background


class OcclusionMap(Result):
    """How much each part of an image adds to the probability of a class.

    The image is divided into square cells, from the top left. Each of them is covered in turn,
    together with the eight cells around it, as far as they are in the image.

    References
    ----------
    Zeiler, M., Fergus, R. (2014). Visualizing and understanding convolutional networks, section
    4.2.
    """

    size: int = Field(description="Side of the square that is covered, in pixels: three cells.")
    stride: int = Field(description="Side of a cell, in pixels.")
    fill: int = Field(
        description="Level of the square, 0 to 255: the background of the data set, or 128 if its "
        "images have different ones."
    )
    drops: Matrix = Field(
        description="For each cell, row by row: the probability of the class, minus its "
        "probability while this cell and those around it are covered. Negative where the image "
        "speaks for other classes. To six decimals in a response."
    )


def stride_of(height: int, width: int) -> int:
    """Return the size of the smallest cells of which an image has at most `MOST_CELLS`."""
    stride = 1
    while math.ceil(height / stride) * math.ceil(width / stride) > MOST_CELLS:
        stride += 1
    return stride


def occlude(
    network: Network,
    image: NDArray[Any],
    label: int,
    spec: DatasetSpec,
    pixel_scale: PixelScale,
    before_block: Callable[[], None] = lambda: None,
) -> OcclusionMap:
    """Cover each part of an image in turn, and run the network on it.

    Parameters
    ----------
    network
        The network.
    image
        Shape (height, width) or (height, width, 3), 0..255.
    label
        The class whose probability to watch.
    spec
        The data set of the network.
    pixel_scale
        How the network's inputs are scaled.
    before_block
        Called before each block of images, and may raise an exception to stop.
    """
    height, width = image.shape[:2]
    stride = stride_of(height, width)
    fill = FILLS[spec.background]
    cells = list(np.ndindex(math.ceil(height / stride), math.ceil(width / stride)))

    def covered(block: slice) -> Iterator[NDArray[Any]]:
        for row, column in cells[block]:
            copy = image.copy()
            rows, columns = (
                slice(max(0, number - 1) * stride, (number + 2) * stride)
                for number in (row, column)
            )
            copy[rows, columns] = fill
            yield copy

    def probabilities(images: NDArray[Any]) -> NDArray[Any]:
        logits = network.logits(scale_pixels(images, pixel_scale, network.dtype))
        return softmax(logits.astype(np.float64))[:, label]

    drops = []
    for block in network.blocks(len(cells)):
        before_block()
        drops.append(probabilities(np.array(list(covered(block)))))
    [whole] = probabilities(image[None])
    shape = (cells[-1][0] + 1, cells[-1][1] + 1)
    return OcclusionMap(
        size=3 * stride,
        stride=stride,
        fill=fill,
        drops=(whole - np.concatenate(drops)).reshape(shape),
    )
