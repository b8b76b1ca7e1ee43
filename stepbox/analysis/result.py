"""The base class of the results, and the types of the arrays in them."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator


class Result(BaseModel):
    """The result of an analysis.

    Arrays in it are NumPy arrays. Pydantic does not check their numbers one by one, and writes
    them as lists in JSON, where numbers that are not finite become null.
    """

    model_config = ConfigDict(frozen=True)


Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def _listed(schema: Any) -> tuple[PlainValidator, PlainSerializer]:
    """Annotate a field that is an array in Python, and a list of this type in JSON."""
    return (
        PlainValidator(np.asarray, json_schema_input_type=schema),
        PlainSerializer(np.ndarray.tolist, return_type=schema),
    )


Vector = Annotated[Array, *_listed(list[float])]
Matrix = Annotated[Array, *_listed(list[list[float]])]
Counts = Annotated[Integers, *_listed(list[int])]
