"""POST /analysis/softmax-jacobian."""

from typing import Annotated

import numpy as np
from flask import Response
from pydantic import ConfigDict, Field

from service.api.analysis.blueprint import BOUND, Numbers, Request, blueprint, json_response
from service.errors import problems
from stepbox.analysis.softmax import SoftmaxJacobianAnswer, analyse_softmax

MOST_LOGITS = 1_000


class SoftmaxJacobianRequest(Request):
    """Logits and, optionally, the true class."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"logits": [2.0, 1.0, 0.5, -0.5, -1.5], "target": 0}}
    )

    logits: Annotated[Numbers, Field(min_length=1, max_length=MOST_LOGITS)] = Field(
        description="z, one finite number per class."
    )
    target: int | None = Field(
        None,
        ge=0,
        le=MOST_LOGITS - 1,
        description="Index of the true class in the logits, from 0. With a target, the answer "
        "also has the cross-entropy and its gradient.",
    )


@blueprint.post(
    "/softmax-jacobian",
    responses={200: SoftmaxJacobianAnswer, **problems(400, 413, 415, 422)},
)
@BOUND
def softmax_jacobian(body: SoftmaxJacobianRequest) -> Response:
    """Compute the softmax, its Jacobian matrix and, with a target, the gradient of the loss."""
    return json_response(analyse_softmax(np.array(body.logits), body.target))
