"""Augmentation: varied copies of the training images, new ones in each epoch.

``affine`` and ``distort`` are for handwriting. Both rotate, stretch and move each image: ``affine``
more, and ``distort`` also warps it by a smooth random field. ``mirror-shift`` is for clothes: it
mirrors images, and moves them by one pixel. Black stays black, so images keep their many zeros.

References
----------
Simard, P., Steinkraus, D., Platt, J. (2003). Best practices for convolutional neural networks
applied to visual document analysis, section 2: elastic distortions.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import Augmentation
from stepbox.nn.activations import Array
from stepbox.training.resampling import Images, move, resample

# For `distort`.
FIELDS = 3000  # drawn once per training; each image uses one, with a random sign per axis
SMOOTHNESS = 4.0  # px, standard deviation of the Gaussian that smoothes a field
STRENGTH = 1.0  # px, a field's root mean square along each axis

# For `mirror-shift`: the share of images that move by −1, 0 or 1 px along each axis, at random.
SHIFT_SHARE = 0.6


class Motion(NamedTuple):
    """The largest random motion of an image, in both directions.

    Attributes
    ----------
    angle
        Rotation, in rad.
    stretch
        Change of the size along each axis, as a fraction.
    shift
        Along each axis, in px.
    """

    angle: float
    stretch: float
    shift: float


MOTIONS: dict[Augmentation, Motion] = {
    "affine": Motion(angle=0.25, stretch=0.1, shift=2.0),
    "distort": Motion(angle=0.15, stretch=0.1, shift=1.0),
}


class Distortions(NamedTuple):
    """How `affine` and `distort` vary each of n images: the parameters of `resample`.

    Attributes
    ----------
    chosen, signs
        Shapes (n,) and (n, 2): the field of each image, and its sign along each axis.
    angles, stretches, shifts
        Shapes (n,), (n, 2) and (n, 2), in rad, as factors, and in px.
    """

    chosen: NDArray[np.int64]
    signs: Array
    angles: Array
    stretches: Array
    shifts: Array

    @classmethod
    def draw(cls, count: int, motion: Motion, fields: int, rng: np.random.Generator) -> Self:
        """Draw the amounts for `count` images, and which of the fields each of them uses."""
        angle, stretch, shift = motion
        return cls(
            rng.integers(fields, size=count),
            rng.choice([-1.0, 1.0], (count, 2)),
            rng.uniform(-angle, angle, count),
            rng.uniform(1 - stretch, 1 + stretch, (count, 2)),
            rng.uniform(-shift, shift, (count, 2)),
        )


class Moves(NamedTuple):
    """How `mirror-shift` varies each of n images: the parameters of `move`.

    Attributes
    ----------
    mirrored
        Shape (n,): whether to mirror each image.
    moves
        Shape (n, 2): px down and px to the right.
    """

    mirrored: NDArray[np.bool_]
    moves: NDArray[np.int64]

    @classmethod
    def draw(cls, count: int, rng: np.random.Generator) -> Self:
        """Mirror half of the images, at random, and move about half by one pixel."""
        return cls(
            rng.random(count) < 0.5,
            rng.integers(-1, 2, (count, 2)) * (rng.random((count, 1)) < SHIFT_SHARE),
        )


class Augmenter:
    """A way to make varied copies of images.

    This is the definition. `augmentation_loops.CompiledAugmenter` makes the same copies, and is
    much faster.

    Attributes
    ----------
    kind
        How to vary images; ``none`` leaves them as they are.
    fields
        The fields of ``distort``, from `displacement_fields`; one field of zeros for ``affine``;
        none for other kinds.
    """

    def __init__(self, kind: Augmentation, seed: int, shape: tuple[int, ...]) -> None:
        self.kind = kind
        self._seed = seed
        self.fields: Array = np.empty(0, np.float32)
        if kind == "affine":
            self.fields = np.zeros((1, 2, *shape[:2]), np.float32)
        elif kind == "distort":
            self.fields = displacement_fields(np.random.default_rng([seed, 0]), shape[:2])

    def resample(self, *arguments: Any) -> Images:
        """Rotate, stretch, move and warp grey images; see `resample`."""
        return resample(*arguments)

    def move(self, *arguments: Any) -> Images:
        """Mirror and move grey images; see `move`."""
        return move(*arguments)

    def draw(self, count: int, epoch: int, first: int) -> Distortions | Moves | None:
        """Draw how to vary images; None for ``none``.

        Parameters
        ----------
        count
            Number of images.
        epoch, first
            Position of the images in the training: the epoch, from 1, and the number of images
            before them in this epoch. The variations depend only on this position and the seed,
            so checkpoints contain no state of a generator.
        """
        rng = np.random.default_rng([self._seed, epoch, first])
        if self.kind in MOTIONS:
            return Distortions.draw(count, MOTIONS[self.kind], len(self.fields), rng)
        if self.kind == "mirror-shift":
            return Moves.draw(count, rng)
        return None

    def __call__(
        self, images: Images, epoch: int, first: int, count: int | None = None, offset: int = 0
    ) -> Images:
        """Vary images, or some of the images that are varied together.

        Parameters
        ----------
        images
            Shape (n, height, width) or (n, height, width, 3), 0..255.
        epoch, first
            Position of the images that are varied together; see `draw`.
        count, offset
            Number of these images, by default n, and how many of them are before `images`.

        Raises
        ------
        ValueError
            `images` are not all among these images.
        """
        if offset + len(images) > (len(images) if count is None else count):
            raise ValueError("the images are not all in one portion")
        amounts = self.draw(len(images) if count is None else count, epoch, first)
        if amounts is None:
            return images
        chosen = slice(offset, offset + len(images))
        parts = [amount[chosen] for amount in amounts]
        if isinstance(amounts, Moves):
            return _each_color(lambda channel: self.move(channel, *parts), images)
        return _each_color(lambda channel: self.resample(channel, self.fields, *parts), images)


def displacement_fields(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw smooth random fields, float32 of shape (fields, 2, height, width), in px."""
    from scipy.ndimage import gaussian_filter  # importing SciPy slows a worker's startup

    noise = rng.uniform(-1, 1, (FIELDS, 2, *shape))
    fields = gaussian_filter(noise.astype(np.float32), SMOOTHNESS, axes=(2, 3), mode="constant")
    size: Array = np.sqrt(np.square(fields).mean(axis=(2, 3), keepdims=True))
    return (STRENGTH / size * fields).astype(np.float32)


def _each_color(vary: Callable[[Images], Images], images: Images) -> Images:
    """Vary grey images, or each color of color images in the same way."""
    if images.ndim == 3:
        return vary(images)
    colors = np.moveaxis(images, -1, 0)
    return np.stack([vary(np.ascontiguousarray(color)) for color in colors], axis=-1)
