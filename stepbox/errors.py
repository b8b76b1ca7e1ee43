"""The errors that Stepbox raises on purpose.

StepboxError
├── InvalidInputError      a value from outside is out of range; names each field
├── NotFoundError          no job, model, alias or data set of that name
├── ConflictError          the thing's present state forbids what was asked
├── DamagedModelError      stored weights differ from their checksum or card
├── StoreError             the folder of models cannot be read or written
├── DatasetError           a data set's file is missing or differs from its checksum
├── DivergedError          the loss of a training is no longer a finite number
└── OutOfDeviceMemoryError the device that trains, GPU or host, has no memory left
"""

from collections.abc import Sequence
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing wrong with an input.

    Attributes
    ----------
    pointer
        RFC 6901 JSON pointer to the value, for instance ``/hidden_sizes/0``.
    detail
        What is wrong and which values are allowed, in words.
    """

    pointer: str
    detail: str


class StepboxError(Exception):
    """Base of all errors raised on purpose."""


class InvalidInputError(StepboxError):
    """One or more values from outside are out of their range."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{pointer or '/'}: {detail}" for pointer, detail in faults))
        self.faults = tuple(faults)

    @classmethod
    def at(cls, pointer: str, detail: str) -> "InvalidInputError":
        """Make the error of a single fault."""
        return cls([Fault(pointer, detail)])


class NotFoundError(StepboxError):
    """No job, model, alias or data set of that name exists."""


class ConflictError(StepboxError):
    """The thing's present state forbids what was asked."""


class DamagedModelError(StepboxError):
    """Stored weights differ from their checksum or from their card."""


class StoreError(StepboxError):
    """The folder of models cannot be read or written: its disk is full, say, or read-only."""


class DatasetError(StepboxError):
    """A data set's file is missing, malformed or differs from its checksum."""


class DivergedError(StepboxError):
    """The loss of a training is no longer a finite number."""


class OutOfDeviceMemoryError(StepboxError):
    """The device that trains, GPU or host, has no memory left."""
