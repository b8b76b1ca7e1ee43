"""The title, notes and tags that people give to a run. No training depends on them."""

import re
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import core_schema

from stepbox.errors import invalid_field

MOST_TAGS = 10

# Control characters (Cc in Unicode).
_CONTROL = r"\x00-\x1f\x7f-\x9f"


class Text:
    """Annotate a string that is limited in length and characters. One message tells all limits.

    Parameters
    ----------
    limits
        What is allowed, as the message of an error: ``must be …``.
    low, high
        Smallest and largest number of characters (Unicode code points).
    excluded
        The characters that are not allowed, as they stand in brackets in a regular expression.
    """

    def __init__(self, limits: str, low: int, high: int, excluded: str) -> None:
        self._limits = limits
        self._low = low
        self._high = high
        # Not only of white space, unless it may be empty.
        seen = rf"[^{excluded}]*[^\s{excluded}]" if low else ""
        self._pattern = rf"^{seen}[^{excluded}]*$"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": self._low,
            "maxLength": self._high,
            "pattern": self._pattern,
        }

    def _check(self, value: Any) -> Any:
        if (
            isinstance(value, str)
            and self._low <= len(value) <= self._high
            and re.fullmatch(self._pattern[1:-1], value)
            and not re.search("[\ud800-\udfff]", value)  # not a character: UTF-8 has no form for it
        ):
            return value
        raise invalid_field(self._limits)


def _check_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    if len(tags) > MOST_TAGS or len(set(tags)) < len(tags):
        raise invalid_field(f"must be up to {MOST_TAGS} different tags")
    return tags


Tag = Annotated[
    str,
    Text(
        "must be 1 to 40 characters, not only spaces, without commas and control characters",
        1,
        40,
        f",{_CONTROL}",
    ),
]
Title = Annotated[
    Annotated[
        str,
        Text(
            "must be 1 to 80 characters, not only spaces, without control characters; or null",
            1,
            80,
            _CONTROL,
        ),
    ]
    | None,
    Field(description="Name of the run; null if it has none."),
]
Notes = Annotated[
    str,
    Text(
        "must be up to 2,000 characters; of the control characters, only line breaks and tabs",
        0,
        2000,
        r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f",
    ),
    Field(description="Notes about the run; empty if there are none."),
]
Tags = Annotated[
    tuple[Tag, ...],
    Field(
        strict=False,  # JSON has arrays, not tuples
        description="Words to sort runs by, all different.",
        json_schema_extra={"maxItems": MOST_TAGS, "uniqueItems": True},
    ),
    AfterValidator(_check_tags),
]


class Labels(BaseModel):
    """The title, notes and tags of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: Title = None
    notes: Notes = ""
    tags: Tags = ()


class LabelChanges(Labels):
    """The labels of a run to change; omitted ones stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={"minProperties": 1, "example": {"title": "Twice as wide", "tags": ["a"]}}
    )

    @model_validator(mode="after")
    def _change_something(self) -> Self:
        if not self.model_fields_set:
            raise invalid_field("must have 'title', 'notes' or 'tags'")
        return self

    def given(self) -> dict[str, Any]:
        """Return the labels to change."""
        return self.model_dump(exclude_unset=True)
