"""The base class of the results, and the types of the arrays in them."""

from typing import Annotated

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

_AS_LIST = np.ndarray.tolist

Vector = Annotated[
    Array,
    PlainValidator(np.asarray, json_schema_input_type=list[float]),
    PlainSerializer(_AS_LIST, return_type=list[float]),
]
Matrix = Annotated[
    Array,
    PlainValidator(np.asarray, json_schema_input_type=list[list[float]]),
    PlainSerializer(_AS_LIST, return_type=list[list[float]]),
]
Counts = Annotated[
    NDArray[np.int64],
    PlainValidator(np.asarray, json_schema_input_type=list[int]),
    PlainSerializer(_AS_LIST, return_type=list[int]),
]
