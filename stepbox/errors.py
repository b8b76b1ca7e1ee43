"""The errors that Stepbox raises deliberately.

StepboxError
├── InvalidInputError      one or more input values are invalid; names each of them
├── NotFoundError          what was requested does not exist, for example a job or a model
├── NotOwnedError          what is to be changed belongs to nobody in particular
├── ConflictError          the request does not fit the resource's current state
│   ├── GateNotPassedError a model is not as good as an alias demands
│   ├── StepsNotKeptError  a model has no record of its training's steps
│   └── TooFarError        a step of a training would take too long to compute again
├── DamagedModelError      a file of a model or of the aliases is damaged
├── StoreError             the files of a store cannot be read or written
├── UnavailableError       a store does not answer, or refuses its service
│   └── NotInMemoryError   what may not wait would have to
├── StorageFullError       the disk or the quota of uploaded data is full
├── DatasetError           a data set's file is missing, malformed or differs from its checksum
├── ExportError            an exported file does not give the predictions of its model
├── DivergedError          the loss of a training is no longer a finite number
└── OutOfDeviceMemoryError the GPU or the host has too little memory
"""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic_core import PydanticCustomError

INVALID_FIELD = "stepbox_invalid"  # the kind of the errors that `invalid_field` makes


class Fault(NamedTuple):
    """One thing wrong with an input.

    Attributes
    ----------
    pointer
        RFC 6901 JSON pointer to the value, for instance ``/hidden_sizes/0``.
    detail
        What is wrong, and which values are allowed.
    """

    pointer: str
    detail: str


class StepboxError(Exception):
    """Base of all errors that Stepbox raises deliberately."""


class InvalidInputError(StepboxError):
    """One or more input values are invalid."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{pointer or '/'}: {detail}" for pointer, detail in faults))
        self.faults = tuple(faults)

    @classmethod
    def at(cls, pointer: str, detail: str) -> "InvalidInputError":
        """Make the error for a single fault."""
        return cls([Fault(pointer, detail)])


class NotFoundError(StepboxError):
    """What was requested does not exist, for example a job, a model or a recipe."""


class NotOwnedError(StepboxError):
    """What is to be changed belongs to nobody, and the request may change only what is its own."""


class ConflictError(StepboxError):
    """The request does not fit the resource's current state."""


class Shortfall(NamedTuple):
    """A figure of a model that is not as good as it must be.

    Attributes
    ----------
    figure
        Its name.
    value
        What it is.
    least, most
        What it must be; one of them is None.
    """

    figure: str
    value: float
    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        bound = f"at least {self.least:g}" if self.most is None else f"at most {self.most:g}"
        return f"{self.figure} is {self.value:.6g} and must be {bound}"


class GateNotPassedError(ConflictError):
    """A model is not as good as the gate of an alias demands.

    Attributes
    ----------
    shortfalls
        The figures that are not good enough.
    """

    def __init__(self, detail: str, shortfalls: Sequence[Shortfall]) -> None:
        super().__init__(detail)
        self.shortfalls = tuple(shortfalls)


class StepsNotKeptError(ConflictError):
    """A model has no record of the steps of its training."""


class TooFarError(ConflictError):
    """A step would take too long to compute again.

    Attributes
    ----------
    nearest
        The nearest steps before and after it that can be opened.
    """

    def __init__(self, detail: str, nearest: Sequence[int]) -> None:
        super().__init__(detail)
        self.nearest = tuple(nearest)


class DamagedModelError(StepboxError):
    """A file of a model or of the aliases is damaged, or does not match the model's card."""


class StoreError(StepboxError):
    """The files of a store cannot be read or written, for example because the disk is full."""


class UnavailableError(StepboxError):
    """A store does not answer, or refuses its service. This says nothing about its objects.

    Parameters
    ----------
    why
        What is wrong.
    key
        The object or prefix that was asked for.
    refused
        Whether the server answered, and refused. Then trying again is unlikely to help.
    """

    def __init__(self, why: str, key: str, *, refused: bool = False) -> None:
        super().__init__(f"{key}: {why}" if key else why)
        self.why, self.key, self.refused = why, key, refused


class NotInMemoryError(UnavailableError):
    """Within `stepbox.store.objects.from_memory`, something would have to wait."""


class StorageFullError(StepboxError):
    """Uploaded data does not fit: the disk is full, or the quota of all data sets is used up."""


class DatasetError(StepboxError):
    """A data set's file is missing, malformed or differs from its checksum."""


class ExportError(StepboxError):
    """An exported file does not give the predictions of its model."""


class DivergedError(StepboxError):
    """The loss of a training, or a parameter, is no longer a finite number."""


class OutOfDeviceMemoryError(StepboxError):
    """The GPU or the host has too little memory."""


def invalid_field(detail: str) -> PydanticCustomError:
    """Make the error that a validator of a pydantic model raises.

    Parameters
    ----------
    detail
        What is wrong, and which values are allowed. Unlike the messages of pydantic, it is shown
        to users as it is.
    """
    return PydanticCustomError(INVALID_FIELD, "{detail}", {"detail": detail})
