"""The mathematics: nothing is trained or stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stepbox.client.answers import Answer
from stepbox.client.bodies import given, json_body
from stepbox.client.requests import R, Request, Resource, of, operation, request


class Analysis(Resource[R]):
    """The mathematics. Each argument is a member of the body; arrays are accepted as lists are."""

    @operation
    def softmax_jacobian(
        self, logits: Sequence[float], *, target: int | None = None
    ) -> Request[Answer]:
        """Return softmax, its Jacobian, and with a target the cross-entropy and its gradient."""
        return _post("softmax-jacobian", logits=logits, target=target)

    @operation
    def box(
        self, height: float, width: float, *, at: Sequence[float] | None = None
    ) -> Request[Answer]:
        """Return a network of two step neurons whose output is a box."""
        return _post("box", height=height, width=width, at=at)

    @operation
    def box_approximation(
        self,
        function: str,
        bound: float,
        *,
        boxes: int | None = None,
        tolerance: float | None = None,
        dimensions: int | None = None,
        widths: str | None = None,
        include_network: bool | None = None,
        resolution: int | None = None,
    ) -> Request[Answer]:
        """Approximate a function by boxes, with a proven bound of the error."""
        return _post(
            "box-approximation",
            function=function,
            bound=bound,
            boxes=boxes,
            tolerance=tolerance,
            dimensions=dimensions,
            widths=widths,
            include_network=include_network,
            resolution=resolution,
        )

    @operation
    def regression(
        self, X: Any, y: Sequence[float], loss: str, *, w: Sequence[float] | None = None
    ) -> Request[Answer]:
        """Solve a linear regression, with a certificate that the solution is optimal."""
        return _post("regression", X=X, y=y, loss=loss, w=w)

    @operation
    def gradient_check(
        self, model: str, *, image: Any = None, input: Any = None, label: int | None = None
    ) -> Request[Answer]:
        """Compare the gradients of a model with an independent derivative."""
        return _post("gradient-check", model=model, image=image, input=input, label=label)

    @operation
    def projection(
        self, model: str, *, image: Any = None, input: Any = None, layer: int | None = None
    ) -> Request[Answer]:
        """Project what a layer puts out for test samples to three dimensions."""
        return _post("projection", model=model, image=image, input=input, layer=layer)


def _post(name: str, **members: Any) -> Request[Answer]:
    body = json_body(given(**members))
    return request(f"POST /analysis/{name}", of(Answer), body=body, repeatable=True)
