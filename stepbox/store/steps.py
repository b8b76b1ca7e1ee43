"""Encode the record of a training's steps as a safetensors file, and decode it."""

import hashlib
from collections.abc import Sequence

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from stepbox.errors import DamagedModelError
from stepbox.nn.layer import LayerSpec
from stepbox.nn.network import array_shapes
from stepbox.store.card import StoredSteps
from stepbox.training.step_record import StepRecord

STEPS = "steps.safetensors"


def encode_steps(record: StepRecord) -> tuple[bytes, StoredSteps]:
    """Encode a record, and describe the file for the model's card."""
    data = save({name: np.ascontiguousarray(array) for name, array in record.arrays().items()})
    return data, StoredSteps(
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        steps=record.steps,
        snapshots=len(record.snapshots),
    )


def decode_steps(data: bytes, expected: StoredSteps, layers: Sequence[LayerSpec]) -> StepRecord:
    """Decode a file after comparing it with the model's card.

    Raises
    ------
    DamagedModelError
        The file does not match the card.
    """
    if hashlib.sha256(data).hexdigest() != expected.sha256:
        raise DamagedModelError("its content differs from the checksum in its card")
    try:
        record = StepRecord.of_arrays(load(data))
    except (SafetensorError, ValueError) as error:
        raise DamagedModelError(f"it is not a record of steps: {error}") from error
    shapes = {name: array.shape[1:] for name, array in record.parameters.items()}
    if (record.steps, len(record.snapshots)) != (expected.steps, expected.snapshots) or (
        shapes != array_shapes(layers)
    ):
        raise DamagedModelError("it differs from its card in steps, snapshots or parameters")
    return record
