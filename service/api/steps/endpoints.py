"""The steps of a model's training, each computed again from the snapshots that were kept."""

import numpy as np
from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from service.api.models import ModelPath
from service.api.rounding import rounded
from service.api.samples import json_of
from service.api.steps.answer import check_size, describe
from service.api.steps.schemas import (
    GROUPS,
    MOST_GROUPS,
    IndexOrFound,
    IndexQuery,
    StepNumbers,
    StepPath,
    StepQuery,
)
from service.backend import backend
from service.bodies.bounds import LAYERS_BYTES, Bound
from service.errors import problems
from stepbox.errors import ConflictError, InvalidInputError, NotFoundError
from stepbox.store.card import Card
from stepbox.training.step_figures import wrong_steps
from stepbox.training.step_record import MOST_LOSSES, StepRecord
from stepbox.training.trace import trace_step

CURVE_DIGITS = 4

blueprint = APIBlueprint(
    "steps",
    __name__,
    abp_tags=[
        Tag(name="steps", description="The single steps of a training, with all of their numbers.")
    ],
)


@blueprint.get(
    "/models/<ref>/steps",
    responses={200: IndexOrFound, **problems(404, 409, 422, 503)},
)
@Bound(memory_bytes=LAYERS_BYTES)
def list_steps(path: ModelPath, query: IndexQuery) -> Response:
    """Summarize all steps of a model's training; or with `where`, find one of them."""
    card, kept = backend().models.load_steps(path.ref)
    if query.where is not None and kept is not None:
        return _found(card, kept, query.where, query.after)
    replay = backend().figures.replay(card.id)
    record, course = replay.record, replay.course
    loss = None
    if record.losses is not None:
        least = -(-record.steps // MOST_GROUPS)
        every = query.every or -(-record.steps // GROUPS)
        if not least <= every <= record.steps:
            raise InvalidInputError.at("/every", f"must be from {least} to {record.steps:,}")
        curve = backend().figures.loss_curve(card.id, record.losses, every)
        figures = {name: rounded(values, CURVE_DIGITS) for name, values in curve._asdict().items()}
        loss = {"every": every, **figures}
    found = backend().figures.angles(card.id)
    return json_of(
        {
            "model": card.id,
            "steps": record.steps,
            "steps_per_epoch": course.steps_per_epoch,
            "batch_size": card.recipe.batch_size,
            "trained_with": card.recipe.gradient,
            "snapshots": record.snapshots,
            "reach": replay.reach,
            "loss": loss,
            "wrong": wrong_steps(record, course),
            "angles": None
            if found is None
            else {
                "every": int(np.diff(record.snapshots, append=record.steps + 1)[0]),
                "layers": [rounded(layer, CURVE_DIGITS) for layer in found],
            },
            "jumps": backend().figures.jumps(card.id)._asdict(),
        }
    )


@blueprint.get(
    "/models/<ref>/steps/<int:step>",
    responses={200: StepNumbers, **problems(404, 409, 422, 503)},
)
@Bound(memory_bytes=LAYERS_BYTES)
def get_step(path: StepPath, query: StepQuery) -> Response:
    """Compute every number of one step of a model's training.

    The state before the step is computed again from the snapshot before it, which can take some
    seconds. Steps near the previous one are faster.
    """
    card = backend().models.card(path.ref)
    replay = backend().figures.replay(card.id)
    if not 1 <= path.step <= replay.record.steps:
        raise NotFoundError(f"the steps are numbered 1 to {replay.record.steps:,}")
    check_size(card, query)
    with replay.lock, backend().figures.turn:
        trace = trace_step(replay, path.step, query.sample, query.gradient)
        return json_of(describe(card, replay.course.standardization, trace, query))


def _found(card: Card, record: StepRecord, where: str, after: int) -> Response:
    if record.losses is None or record.wrong is None:
        raise ConflictError(
            f"the losses of model {card.id} were not kept: its training had more than "
            f"{MOST_LOSSES:,} steps"
        )
    step = None
    if after < record.steps:
        if where == "largest":
            step = after + 1 + int(record.losses[after:].argmax())
        elif record.wrong[after:].any():
            step = after + 1 + int(record.wrong[after:].argmax())
    return json_of(
        {
            "model": card.id,
            "where": where,
            "after": after,
            "step": step,
            "loss": None if step is None else float(record.losses[step - 1]),
        }
    )
