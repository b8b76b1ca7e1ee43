"""Encode a network as a safetensors file, and decode it."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from stepbox.errors import DamagedModelError
from stepbox.nn.layer import LayerSpec
from stepbox.nn.network import Network, array_shapes
from stepbox.store.card import StoredWeights
from stepbox.store.objects import ObjectStore

WEIGHTS = "weights.safetensors"
INITIAL = "initial.safetensors"
HEADER_BYTES = 65_536  # limit of the header; eight hidden layers take 2,000 bytes
DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
}


def encode_weights(network: Network) -> tuple[bytes, StoredWeights]:
    """Encode a network, and describe the file for its card.

    Parameters
    ----------
    network
        The network; its arrays must be all float64 or all float32.

    Returns
    -------
    bytes
        A safetensors file of ``0.weight``, shape (n_out, n_in), ``0.bias``, ``1.weight``… and
        nothing else. Equal networks give equal files.
    StoredWeights
        Size, checksum and type of this file.

    Raises
    ------
    TypeError
        The arrays have another dtype, or different ones.
    """
    arrays = {name: np.ascontiguousarray(a) for name, a in network.named_arrays().items()}
    dtype = "F32" if network.dtype == np.float32 else "F64"
    if any(array.dtype != DTYPES[dtype] for array in arrays.values()):
        raise TypeError("weights and biases must be all float64 or all float32")
    data = save(arrays)
    return data, StoredWeights(
        bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), dtype=dtype
    )


def check_size(
    objects: ObjectStore, key: str, expected: StoredWeights, layers: Sequence[LayerSpec]
) -> None:
    """Compare the size of a file with the model's card, without reading the file.

    Parameters
    ----------
    objects, key
        The store, and the key of the file.
    expected, layers
        Size and type that the card gives, and the card's layers.

    Raises
    ------
    DamagedModelError
        The file's size differs from the card's, or the card's does not fit the layers.
    OSError
        The file is missing or cannot be accessed.
    """
    parameters = sum(layer.parameters for layer in layers)
    least = parameters * DTYPES[expected.dtype].itemsize
    if not least < expected.bytes <= least + HEADER_BYTES:
        raise DamagedModelError(
            f"its card gives {expected.bytes:,} bytes, but its recipe's network takes {least:,} "
            "and a header"
        )
    if objects.size(key) != expected.bytes:
        raise DamagedModelError(f"its size differs from the {expected.bytes:,} bytes in its card")


def decode_weights(data: bytes, expected: StoredWeights, layers: Sequence[LayerSpec]) -> Network:
    """Decode a file after comparing it with the model's card.

    Parameters
    ----------
    data
        The file.
    expected
        Checksum and type that it must have.
    layers
        Determine the shapes of the arrays, and the activation functions.

    Returns
    -------
    Network
        Its arrays are read-only.

    Raises
    ------
    DamagedModelError
        The file does not match `expected` or the recipe.
    """
    if hashlib.sha256(data).hexdigest() != expected.sha256:
        raise DamagedModelError("its content differs from the checksum in its card")
    try:
        arrays = load(data)
    except (SafetensorError, KeyError) as error:
        raise DamagedModelError("it is not a safetensors file of arrays") from error
    if {name: array.shape for name, array in arrays.items()} != array_shapes(layers):
        raise DamagedModelError("its arrays differ in name or shape from those of its recipe")
    if any(array.dtype != DTYPES[expected.dtype] for array in arrays.values()):
        raise DamagedModelError(f"its numbers are not of the type {expected.dtype} in its card")
    for array in arrays.values():
        array.setflags(write=False)
    return Network.from_named_arrays(layers, arrays)
