"""What a reader returns, and how many images a request may have."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from service.bodies.number_lists import IMAGE_SHAPE
from stepbox.images.decode import MAX_PIXELS, Grey

MOST_IMAGES = 10_000
MOST_PIXELS = 10 * MAX_PIXELS  # in all image files of a request

HEIGHT, WIDTH = IMAGE_SHAPE

Pixels = NDArray[np.uint8] | NDArray[np.float64]

# An array of images, shape (n, *IMAGE_SHAPE), or images of any size, one by one. 0..255.
Images = Pixels | list[Grey] | Iterator[Grey]
