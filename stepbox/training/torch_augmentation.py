"""Augmentation on the device that trains, so that it does not wait for images from the host."""

import torch
from torch import Tensor
from torch.nn import functional

from stepbox.training.augmentation import Augmenter, Moves


class DeviceAugmenter:
    """Varies images like an `Augmenter`, by the same random amounts, up to one grey level.

    Parameters
    ----------
    augmenter
        Draws the amounts, on the host.
    device
        Where the images are.
    """

    def __init__(self, augmenter: Augmenter, device: str) -> None:
        self._augmenter = augmenter
        self._device = device
        self._fields = torch.from_numpy(augmenter.fields).to(device)

    def __call__(self, images: Tensor, epoch: int, first: int) -> Tensor:
        """Vary images, uint8 of shape (n, height, width) or (n, height, width, 3), 0..255.

        See `Augmenter.draw` for the position, `epoch` and `first`.
        """
        amounts = self._augmenter.draw(len(images), epoch, first)
        if amounts is None:
            return images
        _, height, width, *_ = images.shape
        dy = torch.arange(height, device=self._device)[:, None] - (height - 1) / 2
        dx = torch.arange(width, device=self._device)[None, :] - (width - 1) / 2
        # Numbers have the shape (n, 1, 1), pairs of them (2, n, 1, 1).
        numbers = [
            torch.from_numpy(amount.T).to(self._device)[..., None, None] for amount in amounts
        ]
        if isinstance(amounts, Moves):
            mirrored, (down, right) = numbers
            return interpolate(images, dy - down, torch.where(mirrored, right - dx, dx - right))
        chosen, signs, angles, stretches, shifts = numbers
        warps = signs * self._fields[chosen[:, 0, 0]].transpose(0, 1)
        cosines, sines = angles.cos(), angles.sin()
        turned = torch.stack([cosines * dy - sines * dx, sines * dy + cosines * dx])
        return interpolate(images, *(stretches * turned + shifts + warps))


def interpolate(images: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Compute each new pixel from the 16 old pixels around its source position, as `resample` does.

    Parameters
    ----------
    images
        uint8, shape (n, height, width) or (n, height, width, 3); black beyond the edges.
    y, x
        The source positions, in px down and to the right of the centre; both can be broadcast to
        the shape (n, height, width).

    Returns
    -------
    Tensor
        Shape of `images`, rounded to integers.
    """
    count, height, width, *_ = images.shape
    # For `grid_sample`, the edges of the image are at -1 and 1.
    places = [2 * x / width, 2 * y / height]
    grid = torch.stack([place.expand(count, height, width) for place in places], dim=-1).float()
    channels = images.reshape(count, height, width, -1).permute(0, 3, 1, 2).float()
    # Its cubic weights are those with a = −SHARPNESS.
    varied = functional.grid_sample(channels, grid, "bicubic", align_corners=False).clamp(0, 255)
    # Linear weights find the pixels of which one of the four nearest is not black.
    varied *= functional.grid_sample((channels > 0).float(), grid, align_corners=False) > 0
    return (varied + 0.5).to(torch.uint8).permute(0, 2, 3, 1).reshape(images.shape)
