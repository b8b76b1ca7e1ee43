"""The network that every peer runs: it turns a PNG file into ten probabilities, with torch."""

import io
import math
import os

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

torch.set_num_threads(1)  # each server runs one process per core


class Classifier:
    """The trained network, read from the weights file that Stepbox serves.

    Layers without weights are max-pools of 2×2. Images are in the memory format channels_last, with
    which torch is faster here.
    """

    def __init__(self, file: str | None = None) -> None:
        tensors = load_file(file or os.environ["SERVING_WEIGHTS"])
        layers: list[nn.Module] = []
        channels = 1
        for index in range(1 + max(int(name.partition(".")[0]) for name in tensors)):
            weight, bias = tensors.get(f"{index}.weight"), tensors.get(f"{index}.bias")
            if weight is None:
                layers.append(nn.MaxPool2d(2))
            elif weight.ndim == 4:  # (outputs, rows, columns, inputs)
                channels = len(weight)
                weight = weight.permute(0, 3, 1, 2)
                layers += [_filled(nn.Conv2d(*weight.shape[1::-1], weight.shape[2]), weight, bias)]
                layers.append(nn.ReLU())
            else:
                if channels > 1:  # the inputs are images, with the channels last
                    side = math.isqrt(weight.shape[1] // channels)
                    weight = weight.reshape(-1, side, side, channels).permute(0, 3, 1, 2).flatten(1)
                    channels = 1
                if not any(isinstance(layer, nn.Flatten) for layer in layers):
                    layers.append(nn.Flatten())
                layers += [_filled(nn.Linear(*weight.shape[::-1]), weight, bias), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1]).eval().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def probabilities(self, png: bytes) -> list[float]:
        """Return the softmax distribution for a PNG file of 28×28 pixels."""
        with Image.open(io.BytesIO(png)) as image:
            grey = np.asarray(image.convert("L"), np.float32)
        logits = self.layers(torch.from_numpy(grey).reshape(1, 1, 28, 28) / 255)
        return logits.softmax(1)[0].tolist()


def _filled(layer: nn.Module, weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Module:
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer
