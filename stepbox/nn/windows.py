"""Square windows that move over an image: what convolutions and pooling layers share."""

from dataclasses import dataclass

from numpy.lib.stride_tricks import as_strided

from stepbox.nn.activations import Array
from stepbox.nn.layer import LayerSpec, Shape


def windows_along(length: int, size: int, stride: int, padding: int = 0) -> int:
    """Return how many windows fit along an axis: ⌊(length + 2 · padding − size) / stride⌋ + 1.

    Pixels that are left over at the end are in no window.
    """
    return (length + 2 * padding - size) // stride + 1


def as_image(vectors: Array, shape: Shape) -> Array:
    """Return vectors, shape (..., h · w · c), as images, shape (..., h, w, c)."""
    return vectors.reshape(*vectors.shape[:-1], *shape)


def windows_of(images: Array, size: int, stride: int) -> Array:
    """Return a view of all windows, shape (..., h_out, w_out, size, size, c)."""
    *samples, height, width, channels = images.shape
    rows, columns = (windows_along(length, size, stride) for length in (height, width))
    *to_sample, down, right, to_channel = images.strides
    return as_strided(  # sliding_window_view takes 5 µs more, which is much for a single sample
        images,
        (*samples, rows, columns, size, size, channels),
        (*to_sample, stride * down, stride * right, down, right, to_channel),
        writeable=False,
    )


@dataclass(frozen=True)
class WindowedSpec(LayerSpec):
    """The specification of a layer that moves a window over an image.

    Attributes
    ----------
    input_shape
        (height, width, channels), or (height, width) for one channel.

    Raises
    ------
    ValueError
        The input shape is not that of an image, or the window does not fit in it.
    """

    def __post_init__(self) -> None:
        if len(self.input_shape) == 2:
            object.__setattr__(self, "input_shape", (*self.input_shape, 1))
        if len(self.input_shape) != 3:
            raise ValueError(
                "it needs images, and its inputs are a vector"
                if len(self.input_shape) == 1
                else f"it needs images, not inputs of shape {self.input_shape}"
            )

    def windows(self, name: str, size: int, stride: int, padding: int = 0) -> Shape:
        """Return how many windows there are down and across.

        Parameters
        ----------
        name
            What people call the window.
        size, stride, padding
            In pixels.

        Raises
        ------
        ValueError
            The window does not fit in the image.
        """
        height, width, _ = self.input_shape
        if size > min(height, width) + 2 * padding:
            padded = (
                f", not even with the padding: {height} + 2 · {padding} = {height + 2 * padding} "
                f"and {width} + 2 · {padding} = {width + 2 * padding}"
                if padding
                else ""
            )
            raise ValueError(
                f"a {name} of {size} × {size} does not fit in an input of {height} × {width}"
                + padded
            )
        return tuple(windows_along(length, size, stride, padding) for length in (height, width))
