"""The sample that a request to an analysis of a model may bring: an image or a vector."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, WithJsonSchema

from service.api.analysis.blueprint import Request
from service.api.readers.images import describe_input
from service.api.readers.json_images import read_sample
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import InvalidInputError

# Their shape depends on the model, so the reader checks them.
_NUMBERS = {"type": "array", "items": {"type": "number"}}
_ROWS = {"type": "array", "items": _NUMBERS}
_IMAGE = {"anyOf": [_ROWS, {"type": "array", "items": _ROWS}]}
_VECTOR = {
    "anyOf": [_NUMBERS, {"type": "object", "additionalProperties": {"type": "number"}}],
}


class SampleRequest(Request):
    """A request that may bring a sample."""

    image: Annotated[list[Any], WithJsonSchema(_IMAGE)] | None = Field(
        None,
        description="For a model of images: numbers from 0 (dark) to 255, in the shape of the data "
        "set's images.",
    )
    input: Annotated[list[Any] | dict[str, Any], WithJsonSchema(_VECTOR)] | None = Field(
        None,
        description="For a model of vectors: a list of numbers, or an object column → number.",
    )

    def sample(self, spec: DatasetSpec) -> NDArray[np.float64] | None:
        """Return the sample, shape ``spec.shape``; None if the request has none.

        Raises
        ------
        InvalidInputError
            It is not a sample of this data set.
        """
        given, other = "image", "input"
        if spec.kind == "vectors":
            given, other = other, given
        if getattr(self, other) is not None:
            raise InvalidInputError.at(
                f"/{other}", f"must be sent as '{given}', because {describe_input(spec)}"
            )
        value = getattr(self, given)
        return None if value is None else read_sample(value, f"/{given}", spec)
