"""Fields that are checked one by one and in combination, with all faults reported at once."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from stepbox.errors import INVALID_FIELD

# The fields that only torch supports: the value that the NumPy engine requires, and the name of
# any other value in a sentence.
TORCH_ONLY: dict[str, tuple[Any, str]] = {
    "optimizer": ("sgd", "The optimizer adamw"),
    "dropout": (0, "Dropout"),
    "normalization": ("none", "Batch normalization"),
}
# What pydantic puts behind a field that a sweep varies, see `stepbox.training.space`.
DOMAIN_TAGS = ("a range", "a list", "layer sizes")


class Checked(BaseModel):
    """Base of a recipe and of a request, which check their fields and their combinations."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    @abstractmethod
    def complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Add the values of the fields that a body omits."""

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, body: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Validate the fields and their combinations, and report all faults at once."""
        faults: list[tuple[Any, tuple[str | int, ...], str, Any]] = []
        try:
            value = validate(body)
        except ValidationError as error:
            faults = [
                (fault["type"], _without_tag(fault["loc"]), fault["msg"], fault["input"])
                for fault in error.errors()
            ]
        if isinstance(body, Mapping):
            wrong = {location[0] for _, location, _, _ in faults if location}
            given = {name: value for name, value in body.items() if name not in wrong}
            faults += [
                (INVALID_FIELD, (name,), detail, None)
                for name, detail in _conflicts(cls.complete(given))
                if name not in wrong
            ]
        if faults:
            raise ValidationError.from_exception_data(
                cls.__name__,
                [
                    {
                        "type": PydanticCustomError(kind, "{text}", {"text": text}),
                        "loc": location,
                        "input": given_value,
                    }
                    for kind, location, text, given_value in faults
                ],
            )
        return value


def _without_tag(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return a location without the tags that pydantic puts behind what has alternatives.

    These are the type of a layer, after its index, what describes a data set, and what describes
    the values of a field that a sweep varies.
    """
    place = {"layers": 2, "dataset": 1}.get(str(location[0]) if location else "")
    if location and location[0] == "space":
        return tuple(part for part in location if part not in DOMAIN_TAGS)
    return location if place is None else location[:place] + location[place + 1 :]


def _conflicts(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields whose values are allowed but conflict with others, each with the reason."""
    get = fields.get
    if {"layers", "hidden_sizes"} <= fields.keys():
        given = [name for name in ("layers", "hidden_sizes") if fields[name] is not None]
        if len(given) != 1:
            yield "layers", "Exactly one of layers and hidden_sizes must be given, not null"
    if get("engine") == "numpy":
        for name, (plain, words) in TORCH_ONLY.items():
            if get(name, plain) != plain:
                yield name, f"{words} needs the torch engine; with numpy, this must be {plain}"
        wanted = get("requires")
        if isinstance(wanted, Mapping) and wanted.get("device") == "cuda":
            yield "requires", "Only the torch engine trains on cuda; device must be cpu or null"
    if get("weight_decay") and get("optimizer", "adamw") != "adamw":
        yield "weight_decay", "Weight decay needs the optimizer adamw; with sgd, this must be 0"
    if get("early_stopping") is not None and not get("validation", 0.5):
        yield (
            "early_stopping",
            "Early stopping needs validation above 0, or must be null",
        )
    if get("from_model") is not None and get("normalization") == "batch":
        yield (
            "normalization",
            "A model has no batch normalization to continue; with from_model, this must be none",
        )
    if get("normalization") == "batch" and get("batch_size") == 1:
        yield "batch_size", "Batch normalization needs a batch size of at least 2"
    if get("gradient") == "published":
        if get("engine", "numpy") != "numpy":
            yield (
                "gradient",
                "The published gradient needs the numpy engine; with torch, this must be exact",
            )
        if get("batch_size", 1) != 1:
            yield (
                "batch_size",
                "The published gradient needs a batch size of 1, because it updates the weights "
                "within the backward pass of one sample",
            )
