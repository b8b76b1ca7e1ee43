"""The numbers of a step, as the fields of `StepNumbers`."""

from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.api.rounding import rounded
from service.api.samples import MOST_VALUES
from service.api.steps.schemas import FULL_GRADIENT, StepQuery
from stepbox.errors import InvalidInputError
from stepbox.nn.activations import Array
from stepbox.nn.network import type_of
from stepbox.store.card import Card
from stepbox.training.replay import GOAL, Check
from stepbox.training.standardization import Standardization
from stepbox.training.trace import LayerTrace, Trace

DIGITS = 6  # significant ones


def check_size(card: Card, query: StepQuery) -> None:
    """Reject a response that would be too large, before it is computed."""
    specs = card.layers
    if query.layer is not None:
        if query.layer >= len(specs):
            raise InvalidInputError.at("/layer", f"must be from 0 to {len(specs) - 1}")
        specs = specs[query.layer : query.layer + 1]
    numbers = sum(7 * spec.outputs for spec in specs)  # z, a, f′(z), and four δ
    if query.include:
        numbers += sum(2 * spec.parameters for spec in specs)
    if numbers > MOST_VALUES and query.layer is None:
        raise InvalidInputError.at(
            "/layer", f"is needed, because all layers have {numbers:,} numbers together"
        )


def describe(
    card: Card, standardization: Standardization | None, trace: Trace, query: StepQuery
) -> dict[str, Any]:
    """Return the fields of `StepNumbers` for `json_of`."""
    return {
        "model": card.id,
        "step": trace.step,
        "steps": trace.steps,
        "epoch": trace.epoch,
        "learning_rate": trace.rate,
        "trained_with": card.recipe.gradient,
        "batch_size": trace.batch_size,
        "position": trace.position,
        "sample": trace.sample,
        "next_epoch": trace.next_epoch,
        "label": trace.label,
        "said": trace.predicted,
        "input": _numbers(trace.input),
        "pixel_scale": card.recipe.pixel_scale,
        "standardized_by": standardization and standardization._asdict(),
        "weight": trace.weight,
        "layers": [
            _layer(card, number, layer, trace, query)
            for number, layer in enumerate(trace.layers)
            if query.layer in (None, number)
        ],
        "loss": trace.loss,
        "probabilities": rounded(trace.probabilities, DIGITS),
        "after": {
            kind: {
                **answer._asdict(),
                "probabilities": rounded(answer.probabilities, DIGITS),
            }
            for kind, answer in trace.after.items()
        }
        or None,
        "replay": _replayed(trace.check),
    }


def _layer(
    card: Card, number: int, layer: LayerTrace, trace: Trace, query: StepQuery
) -> dict[str, Any]:
    """Return the fields of `StepLayer` for `json_of`."""
    spec = card.layers[number]
    shape = spec.output_shape

    def values(array: Array) -> Array:
        return rounded(array.reshape(shape), DIGITS)

    activation = layer.layer.activation.name
    arrays = layer.layer.arrays
    with_weights = query.include is not None and bool(arrays)
    fields: dict[str, Any] = {
        "layer": number,
        "type": type_of(spec),
        "inputs": spec.inputs,
        "outputs": spec.outputs,
        "output_shape": shape,
        "activation": None if layer.slope is None else activation,
        "z": values(layer.z),
        "a": values(layer.a),
        "slope": None if layer.slope is None else values(layer.slope),
        "bias": rounded(arrays["bias"], DIGITS) if "bias" in arrays else None,
        "delta": {kind: values(delta) for kind, delta in layer.delta.items()},
        "gradient": None,
        "update": None,
        "angle": {kind: compared.angle for kind, compared in layer.comparison.items()},
        "ratio": {kind: compared.ratio for kind, compared in layer.comparison.items()},
    }
    if with_weights and "weight" in arrays:
        fields["weight"] = _numbers(arrays["weight"].astype(np.float32))
    if arrays:
        norm = _norm(layer.gradient)
        gradient: dict[str, Any] = {
            "norm": norm,
            "largest": max(float(np.abs(array).max()) for array in layer.gradient.values()),
        }
        if with_weights or spec.parameters <= FULL_GRADIENT:
            if "weight" in arrays:
                gradient["weight"] = _numbers(layer.gradient["weight"].astype(np.float32))
            if "bias" in arrays:
                gradient["bias"] = rounded(layer.gradient["bias"], DIGITS)
        fields["gradient"] = gradient
        if trace.after and card.recipe.batch_size == 1:
            size = _norm(arrays)
            length = trace.rate * norm
            fields["update"] = {"norm": length, "share": length / size if size else None}
    return fields


def _norm(arrays: dict[str, Array]) -> float:
    return float(np.sqrt(sum(float(np.square(array).sum()) for array in arrays.values())))


def _numbers(array: NDArray[Any]) -> dict[str, Any]:
    """Return the fields of `Numbers`."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {
        "dtype": array.dtype.name,
        "shape": array.shape,
        "data": b64encode(little.tobytes()).decode(),
    }


def _replayed(check: Check) -> dict[str, Any]:
    """Return the fields of `Replayed`."""
    return {
        "snapshot": check.snapshot,
        "checked_at": check.until,
        "difference": check.difference,
        "goal": GOAL,
        "within_goal": None if check.difference is None else check.difference <= GOAL,
    }
