"""The network that every peer runs: it turns a PNG file into ten probabilities, with torch."""

import io
import os

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

torch.set_num_threads(1)  # each server runs one process per core


class Classifier:
    """The trained network, read from the weights file that Stepbox serves."""

    def __init__(self, file: str | None = None) -> None:
        tensors = load_file(file or os.environ["SERVING_WEIGHTS"])
        layers: list[nn.Module] = []
        for index in range(len(tensors) // 2):
            weight, bias = tensors[f"{index}.weight"], tensors[f"{index}.bias"]
            linear = nn.Linear(weight.shape[1], weight.shape[0])
            linear.load_state_dict({"weight": weight, "bias": bias})
            layers += [linear, nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1]).eval()

    @torch.inference_mode()
    def probabilities(self, png: bytes) -> list[float]:
        """Return the softmax distribution for a PNG file of 28×28 pixels."""
        with Image.open(io.BytesIO(png)) as image:
            grey = np.asarray(image.convert("L"), np.float32)
        logits = self.layers(torch.from_numpy(grey).reshape(1, 784) / 255)
        return logits.softmax(1)[0].tolist()
