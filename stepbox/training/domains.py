"""The values that a sweep may give to a field of a recipe."""

import json
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stepbox.errors import invalid_field
from stepbox.training.layer_options import MOST_HIDDEN_SIZES

MOST_CHOICES = 16
MOST_VALUES = 1_000_000  # of a range with a step
LARGEST = 2**53  # integers up to this one are also exact as floats

Whole = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]


class DomainModel(BaseModel):
    """Base of all domains: what is wrong in them is rejected, and nothing is converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Range(DomainModel):
    """The numbers from `low` to `high`, both included."""

    low: float = Field(description="Smallest value.")
    high: float = Field(description="Largest value; above `low`.")
    log: bool = Field(
        False, description="Whether all orders of magnitude are equally likely; `low` is above 0."
    )
    step: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Distance between two values, of which `high` − `low` is a multiple; null for "
        "all numbers between them. A grid needs it.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise invalid_field(f"low must be below high, which is {self.high:g}")
        if self.log and self.low <= 0:
            raise invalid_field("low must be above 0 if log is true")
        if self.step is not None:
            if self.log and self.step != self.default_step:
                raise invalid_field("log and step cannot be combined")
            if (self.high - self.low) / self.step >= MOST_VALUES:
                raise invalid_field(f"step must leave at most {MOST_VALUES:,} values")
            if (_exact(self.high) - _exact(self.low)) % _exact(self.step):
                raise invalid_field(
                    f"high − low must be a multiple of step, which is {self.step:g}"
                )
        return self

    @property
    def default_step(self) -> float | None:
        """The value of `step` if it is omitted."""
        return type(self).model_fields["step"].get_default()  # type: ignore[no-any-return]

    @property
    def corners(self) -> dict[str, Any]:
        """The values at its ends, by the names of their fields."""
        return {"low": self.low, "high": self.high}

    @property
    def number(self) -> int:
        """Number of values, if there is a step."""
        assert self.step is not None
        return int((_exact(self.high) - _exact(self.low)) / _exact(self.step)) + 1

    def point(self, place: int) -> Any:
        """Return one of the values, if there is a step."""
        assert self.step is not None
        return type(self.low)(_exact(self.low) + place * _exact(self.step))


class IntegerRange(Range):
    """The integers from `low` to `high`, both included."""

    low: Whole = Field(description="Smallest value.")
    high: Whole = Field(description="Largest value; above `low`.")
    step: Annotated[int, Field(ge=1, le=LARGEST)] = Field(
        1, description="Distance between two values, of which `high` − `low` is a multiple."
    )


class Choices(DomainModel):
    """A list of values."""

    choices: Annotated[list[Any], Field(min_length=2, max_length=MOST_CHOICES)] = Field(
        description="The values of the field to choose from."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(map(json.dumps, self.choices))) < len(self.choices):
            raise invalid_field("all choices must be different")
        return self

    @property
    def corners(self) -> dict[str, Any]:
        """All values, by their places."""
        return {f"choices/{place}": choice for place, choice in enumerate(self.choices)}

    @property
    def number(self) -> int:
        """Number of values."""
        return len(self.choices)

    def point(self, place: int) -> Any:
        """Return one of the values."""
        return self.choices[place]


class LayerSizes(DomainModel):
    """A number of dense layers, and the size of each: only the layers that exist have one."""

    count: IntegerRange = Field(description="Number of hidden layers.")
    size: IntegerRange = Field(description="Neurons of each of them.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.count.low < 0:
            raise invalid_field("low of count must be at least 0")
        if self.count.high > MOST_HIDDEN_SIZES:
            raise invalid_field(f"high of count must be at most {MOST_HIDDEN_SIZES}")
        return self

    @property
    def corners(self) -> dict[str, Any]:
        """The networks at the ends of both ranges."""
        small, large = self.size.low, self.size.high
        return {
            "count/low": [small] * self.count.low,
            "count/high": [small] * self.count.high,
            "size/high": [large] * self.count.high,
        }

    @property
    def number(self) -> int:
        """Number of values."""
        return sum(
            self.size.number ** self.count.point(place) for place in range(self.count.number)
        )

    def point(self, place: int) -> list[int]:
        """Return one of the values, those with fewer layers first."""
        counts = map(self.count.point, range(self.count.number))
        count = next(counts)
        while place >= self.size.number**count:
            place -= self.size.number**count
            count = next(counts)
        return [
            self.size.point(place // self.size.number**later % self.size.number)
            for later in reversed(range(count))
        ]


Domain = Range | IntegerRange | Choices | LayerSizes


def _exact(number: float) -> Decimal:
    """Return the decimal number that a person has written."""
    return Decimal(str(number))
