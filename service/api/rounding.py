"""Round the numbers of a response, which makes it several times shorter."""

import numpy as np

from stepbox.nn.activations import Array

WEIGHT_DIGITS = 4  # significant ones: more than a picture or a chart shows


def rounded(values: Array, digits: int) -> Array:
    """Round real numbers to significant digits. The result is in float64."""
    values = values.astype(np.float64)
    size = np.abs(values)
    places = np.zeros(values.shape)
    np.log10(size, out=places, where=size > 0)
    # A power of ten is exact up to 10^22, so dividing by it gives the float nearest to the decimal.
    places = digits - 1 - np.floor(places)
    up, down = 10.0 ** np.clip(places, 0, 300), 10.0 ** np.clip(-places, 0, 300)
    result: Array = np.rint(values * up / down) * down / up
    return result
