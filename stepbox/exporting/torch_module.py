"""Write a model for torch: weights with the names of an ``nn.Sequential``, and code to load them.

Torch numbers the axes of images (n, channels, height, width). So do the weights here: those of
convolutions, and those of dense layers whose inputs are images.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save

from stepbox.errors import InvalidInputError
from stepbox.exporting.archive import write_zip
from stepbox.nn.activations import ActivationName, Array
from stepbox.nn.convolution import ConvolutionSpec
from stepbox.nn.dense import DenseSpec
from stepbox.nn.layer import LayerSpec
from stepbox.nn.network import Network, type_of
from stepbox.nn.pooling import MaxPoolSpec
from stepbox.store.card import CardDraft

WEIGHTS = "model.safetensors"
LOADER = "load.py"

_ACTIVATIONS: dict[ActivationName, str] = {
    "sigmoid": "nn.Sigmoid()",
    "tanh": "nn.Tanh()",
    "relu": "nn.ReLU()",
    "gelu": "nn.GELU()",
}
_MODULES: dict[type[LayerSpec], Callable[[Any], str]] = {
    DenseSpec: lambda spec: f"nn.Linear({spec.inputs}, {spec.outputs})",
    ConvolutionSpec: lambda spec: (
        f"nn.Conv2d({spec.input_shape[2]}, {spec.channels}, {spec.kernel}, "
        f"stride={spec.stride}, padding={spec.padding})"
    ),
    MaxPoolSpec: lambda spec: f"nn.MaxPool2d({spec.size}, stride={spec.stride})",
}
_LOADER = '''\
"""Model {id} of Stepbox, trained on {dataset}: `from load import probabilities`."""

from pathlib import Path

from safetensors.torch import load_file
from torch import nn

model = nn.Sequential(
{modules}
)
model.load_state_dict(load_file(Path(__file__).with_name("{weights}")))
model.eval()


def probabilities(samples):
    """Return the probabilities, shape (n, {classes}), of {what}."""
    return model({inputs}).softmax(dim=1)
'''


class _Module(NamedTuple):
    """A module of the ``nn.Sequential``: its code, and its parameters by name."""

    code: str
    arrays: Mapping[str, Array] = MappingProxyType({})


def write_torch(card: CardDraft, network: Network) -> bytes:
    """Return a zip archive of the weights, in float32, and of the code that loads them.

    Raises InvalidInputError (``/format``) if the network has layers that torch has not.
    """
    modules = list(_modules(card, network))
    tensors = {
        f"{number}.{name}": np.ascontiguousarray(array, np.float32)
        for number, module in enumerate(modules)
        for name, array in module.arrays.items()
    }
    what, inputs = _inputs(card)
    loader = _LOADER.format(
        id=card.id,
        dataset=card.dataset.name,
        modules="\n".join(f"    {module.code}," for module in modules),
        weights=WEIGHTS,
        classes=len(card.dataset.classes),
        what=what,
        inputs=inputs,
    )
    return write_zip({LOADER: loader.encode(), WEIGHTS: save(tensors)})


def _modules(card: CardDraft, network: Network) -> Iterator[_Module]:
    for spec, layer in zip(card.layers, network.layers, strict=True):
        if type(spec) not in _MODULES:
            detail = f"must be npz: a file for torch has no layers of the type {type_of(spec)}"
            raise InvalidInputError.at("/format", detail)
        arrays = dict(layer.arrays)
        if isinstance(spec, ConvolutionSpec):
            arrays["weight"] = arrays["weight"].transpose(0, 3, 1, 2)
        if isinstance(spec, DenseSpec) and len(spec.input_shape) > 1:
            yield _Module("nn.Flatten()")
            if len(spec.input_shape) == 3:
                weight = arrays["weight"].reshape(-1, *spec.input_shape)
                arrays["weight"] = weight.transpose(0, 3, 1, 2).reshape(len(weight), -1)
        yield _Module(_MODULES[type(spec)](spec), arrays)
        activation: ActivationName | None = getattr(spec, "activation", None)
        if activation is not None:
            yield _Module(_ACTIVATIONS[activation])


def _inputs(card: CardDraft) -> tuple[str, str]:
    """Say what samples are, and return the code that makes the inputs of the model from them."""
    shape = card.dataset.shape
    size = "".join(f", {side}" for side in shape)
    if card.dataset.kind == "vectors":
        return f"vectors, shape (n{size})", "samples.float()"
    scale = " / 255" if card.recipe.pixel_scale == "unit" else ""
    order = ".permute(0, 3, 1, 2)" if len(shape) == 3 else ".unsqueeze(1)"
    return f"pixels 0 to 255, shape (n{size})", f"samples{order}.float(){scale}"
