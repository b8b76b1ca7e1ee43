"""Train a model's recipe again, and compare the weights."""

from flask import Response
from flask_openapi3 import APIBlueprint

from jobs.record import Job
from jobs.routing import NEW_KINDS
from service.api.models import TAG, ModelPath
from service.api.submitting import SubmitHeaders, accepted, announce, submission
from service.backend import backend
from service.errors import problems
from stepbox.errors import ConflictError, DamagedModelError, NotFoundError
from stepbox.store.card import Card
from stepbox.training.labels import Labels

blueprint = APIBlueprint("reproductions", __name__, abp_tags=[TAG])


@blueprint.post(
    "/models/<ref>/reproduce", responses={202: Job, **problems(404, 409, 422, 429, 503)}
)
def reproduce_model(path: ModelPath, header: SubmitHeaders) -> Response:
    """Train a model's recipe again, and compare the new weights with the model's.

    The job publishes no model. When it has succeeded, its `reproduction` says whether the weights
    are the same, byte for byte, and what differs: the processor, the versions, the device.
    """
    card = backend().models.card(path.ref)
    _check_needs(card)
    job = backend().jobs.submit(
        card.recipe,
        samples=card.recipe.trained_samples(card.dataset),
        labels=Labels(title=f"Reproduction of {card.id}"),
        reproduces=card.id,
        **submission(header, 0, None),
    )
    announce(job, NEW_KINDS)
    return accepted(job)


def _check_needs(card: Card) -> None:
    """Raise ConflictError unless everything is there that the training was run with."""
    dataset, start = card.recipe.dataset, card.recipe.from_model
    try:
        spec = backend().datasets.spec(dataset)
    except NotFoundError:
        raise ConflictError(
            f"the data set {card.dataset.name} ({dataset}) has been deleted, so model {card.id} "
            "cannot be trained again"
        ) from None
    if spec.checksum != card.dataset.checksum:
        raise ConflictError(
            f"the data set {dataset} is not the one that model {card.id} was trained on: its "
            f"checksum is {spec.checksum}, and was {card.dataset.checksum}"
        )
    if start is not None:
        try:
            backend().models.card(start)
        except (NotFoundError, DamagedModelError) as error:
            raise ConflictError(
                f"model {card.id} continues model {start}, which cannot be used: {error}"
            ) from None
