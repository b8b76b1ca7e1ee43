"""POST /analysis/softmax-jacobian."""

from typing import Annotated

import numpy as np
from flask import Response
from pydantic import ConfigDict, Field, field_validator

from service.api.analysis.base import (
    Answer,
    Matrix,
    Numbers,
    Request,
    Vector,
    answer_with,
    blueprint,
)
from service.errors import problems
from stepbox.analysis.softmax import analyse_softmax

MOST_LOGITS = 1_000


class SoftmaxJacobianRequest(Request):
    """Logits, and optionally the true class."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"logits": [2.0, 1.0, 0.5, -0.5, -1.5], "target": 0}}
    )

    logits: Annotated[Numbers, Field(min_length=1, max_length=MOST_LOGITS)] = Field(
        description="z, one finite number a class."
    )
    target: int | None = Field(
        None,
        ge=0,
        le=MOST_LOGITS - 1,
        description="The true class, an index into the logits from 0 on; asks for the "
        "cross-entropy and its gradient.",
    )


class SoftmaxJacobianAnswer(Answer):
    """The softmax at these logits, and how it answers to them."""

    probabilities: Vector = Field(description="y = softmax(z); they sum to 1.")
    jacobian: Matrix = Field(
        description="Entry [i][j] is ∂yᵢ/∂zⱼ = yᵢ (δᵢⱼ − yⱼ). Symmetric; each row and each column "
        "sums to 0."
    )
    check: float = Field(
        description="Largest difference between an entry and the derivative that a complex step "
        "gives: the softmax itself is run at z + ih for each logit, h = 1e-200, and Im y / h "
        "compared. Computed for this request; it is the rounding of float64, about 1e-16."
    )
    cross_entropy: float | None = Field(
        description="−log y of the target, in nats; null without a target, and where it is not "
        "finite."
    )
    gradient: Vector | None = Field(
        description="Of the cross-entropy by the logits: y − t, t one-hot; null without a target."
    )

    @field_validator("cross_entropy")
    @classmethod
    def _finite_or_null(cls, value: float | None) -> float | None:
        return value if value is not None and np.isfinite(value) else None


@blueprint.post(
    "/softmax-jacobian",
    summary="Differentiate the softmax",
    responses={200: SoftmaxJacobianAnswer, **problems(400, 413, 415, 422)},
)
def softmax_jacobian(body: SoftmaxJacobianRequest) -> Response:
    """Give the softmax's probabilities, all their derivatives, and the gradient of the loss."""
    return answer_with(SoftmaxJacobianAnswer, analyse_softmax(np.array(body.logits), body.target))
