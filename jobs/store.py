"""Change jobs in Redis. Each kind of change is one Lua script in ``jobs/lua``."""

import hashlib
import json
from collections.abc import Mapping
from itertools import chain
from secrets import token_hex
from typing import Any, Literal, Unpack, cast

from pydantic import BaseModel

from jobs.claims import ClaimStore
from jobs.measures import Measures
from jobs.reader import WORKER_ALIVE_S
from jobs.record import Job, PredictionTask, Upload
from jobs.routing import NEW_KINDS, class_of, schema_of
from jobs.submission import Submission, first_progress, owner_queue_full, queue_full
from stepbox.errors import ConflictError, InvalidInputError, NotFoundError
from stepbox.importing.options import ImportOptions, ImportProgress
from stepbox.training.labels import Labels
from stepbox.training.recipe import Recipe
from stepbox.training.requirements import NO_REQUIREMENTS, Requirements

NO_LABELS = Labels()

Labeling = Literal["changed", "unknown", "publishing", "other"]  # see jobs/lua/label.lua


# Fields of a recipe that version 0.2.0 did not have.
LATER = {"validation", "early_stopping", "class_weights", "from_model", "layers"}


class JobStore(ClaimStore):
    """Reads and changes jobs: here for the API, and in `ClaimStore` for workers."""

    def submit(
        self,
        recipe: Recipe,
        *,
        samples: int,
        requires: Requirements = NO_REQUIREMENTS,
        labels: Labels = NO_LABELS,
        reproduces: str | None = None,
        only_first: bool = False,
        **submission: Unpack[Submission],
    ) -> Job:
        """Create a training, or return the job that the same idempotency key created before.

        Parameters
        ----------
        recipe
            What to train.
        samples
            Number of training images in one epoch.
        requires
            What the job requires of its worker.
        labels
            What people wrote about the job.
        reproduces
            Id of the model whose training is run again.
        only_first
            Create the job only if this Redis has never had a job, not even one that was deleted.
        submission
            See `Submission`.

        Raises
        ------
        ConflictError
            ``only_first``, and there has been a job.
        QueueFullError
            ``queue_limit`` jobs are already queued, or ``owner_limit`` of this owner.
        InvalidInputError
            The key was used before with another recipe or other options.
        UnconfirmedError
            The job is stored, but not confirmed. The last part of ``answer`` is its id.
        """
        fields = recipe.model_dump_json()
        # Earlier versions had no labels and fewer fields; their keys are still valid for a day.
        defaults = {n for n in LATER if getattr(recipe, n) == Recipe.model_fields[n].default}
        asked = recipe.model_dump_json(exclude=defaults)
        if labels != NO_LABELS:
            asked += labels.model_dump_json()
        if requires != NO_REQUIREMENTS:
            asked += requires.model_dump_json()
        options = routed(requires)
        if reproduces:
            asked += reproduces
            options = {"reproduces": reproduces, **routed(requires, NEW_KINDS)}
        return self._submit(
            token_hex(8),
            first_progress(recipe, samples),
            {"kind": "train", "recipe": fields, **stored(dict(labels)), **options},
            asked,
            only_first=only_first,
            **submission,
        )

    def submit_import(
        self,
        options: ImportOptions,
        *,
        content_type: str,
        upload_bytes: int,
        id: str,
        **submission: Unpack[Submission],
    ) -> Job:
        """Create an import, or return the job that the same idempotency key created before.

        Parameters
        ----------
        options
            How to make a data set from the uploaded file.
        content_type
            ``Content-Type`` of the request; empty if it had none.
        upload_bytes
            Size of the file.
        id
            Id of the new job, which names its file (see `stepbox.store.uploads`). If the job that
            is returned has another id, this file has no job.
        submission
            See `Submission`.

        Raises
        ------
        QueueFullError, UnconfirmedError
            As in `submit`.
        InvalidInputError
            The key was used before with other options, another size, or for a training.
        """
        upload = Upload(**dict(options), content_type=content_type, bytes=upload_bytes)
        return self._submit(
            id,
            ImportProgress(
                stage="reading", samples=0, samples_total=None, fraction=0, eta_seconds=None
            ),
            {"kind": "import", "upload": upload.model_dump_json(), **routed(NO_REQUIREMENTS)},
            upload.model_dump_json(exclude={"content_type"}),
            **submission,
        )

    def submit_prediction(
        self,
        task: PredictionTask,
        *,
        samples: int | None,
        labels: Labels = NO_LABELS,
        id: str | None = None,
        **submission: Unpack[Submission],
    ) -> Job:
        """Create a prediction, or return the job that the same idempotency key created before.

        Parameters and errors are those of `submit`. `samples` is the number of samples to predict,
        None if it is not known. `id` is that of the new job, as in `submit_import`.
        """
        fields = task.model_dump_json()
        progress = ImportProgress(
            stage="reading" if task.file else "predicting",
            samples=0,
            samples_total=samples,
            fraction=0,
            eta_seconds=None,
        )
        return self._submit(
            id or token_hex(8),
            progress,
            {
                "kind": "predict",
                "prediction": fields,
                **stored(dict(labels)),
                **routed(NO_REQUIREMENTS, NEW_KINDS),
            },
            fields if labels == NO_LABELS else fields + labels.model_dump_json(),
            **submission,
        )

    def _submit(
        self,
        id: str,
        progress: BaseModel,
        fields: dict[str, str],
        asked: str,
        *,
        only_first: bool = False,
        **submission: Unpack[Submission],
    ) -> Job:
        """Create a job whose record has these fields; ``asked`` tells requests apart."""
        queue_limit, owner_limit = submission["queue_limit"], submission.get("owner_limit", 0)
        if owner := submission.get("submitted_by"):
            fields = fields | {"submitted_by": owner}
        if priority := submission.get("priority", 0):
            fields = fields | {"priority": str(priority)}
            asked += str(priority)
        if webhook := submission.get("webhook"):
            fields = fields | {"webhook": webhook}
            asked += webhook
        outcome, id = self._run_confirmed(
            "submit",
            id,
            progress.model_dump_json(),
            queue_limit,
            owner_limit,
            submission.get("idempotency_key") or "",
            hashlib.sha256(asked.encode()).hexdigest(),
            submission.get("request_id") or "",
            int(only_first),
            *chain.from_iterable(fields.items()),
            stored=lambda answer: answer[0] in ("created", "earlier"),
        )
        if outcome == "late":
            raise ConflictError("there has been a job before")
        if outcome == "full":
            raise queue_full(queue_limit)
        if outcome == "owner full":
            raise owner_queue_full(owner_limit)
        if outcome == "differs":
            raise InvalidInputError.at(
                "/Idempotency-Key", f"was already used with another body, for job {id}"
            )
        return self.get(id)

    def label(self, id: str, changes: Mapping[str, Any], model: str | None) -> Labeling:
        """Change labels of a job, unless it has another model or is publishing one.

        Parameters
        ----------
        id
            Id of the job.
        changes
            Some of the fields of `Labels`.
        model
            Id of the job's model; None if it has none.
        """
        labels = chain.from_iterable(stored(changes).items())
        return cast(Labeling, self._change("label", id, model or "", *labels))

    def cancel(self, id: str) -> Job:
        """Cancel a queued job at once, or tell a running job to stop.

        A job that is about to publish its result, or has published it, continues.

        Raises
        ------
        NotFoundError
            No job has this id.
        ConflictError
            The job has already finished.
        """
        outcome = self._run("cancel", id)
        job = self.get(id)
        if outcome in ("over", "unknown"):  # unknown: it is archived
            raise ConflictError(f"job {id} has already finished: its status is {job.status}")
        return job

    def delete(self, id: str) -> None:
        """Delete a finished job and its events, but not its result.

        Raises
        ------
        NotFoundError
            No job has this id.
        ConflictError
            The job is queued or running, or a trial of a sweep that has not ended.
        """
        outcome = self._change("delete", id)
        if outcome == "unknown":
            raise NotFoundError(f"no job has the id {id!r}")
        if outcome == "needed":
            raise ConflictError(f"job {id} is a trial of a sweep that has not ended")
        if outcome != "deleted":
            raise ConflictError(f"job {id} is {outcome}: cancel it, and delete it once it ends")

    def _change(self, script: str, id: str, *arguments: str) -> str:
        """Run a script that changes a job. An archived job first moves back to Redis."""
        while True:
            outcome = cast(str, self._run(script, id, *arguments))
            if outcome != "unknown" or not self.archive.restore(id):
                return outcome

    def measure(self) -> Measures:
        """Read the state of the queue and all counters in one transaction."""
        return Measures.from_answer(self._run("measure", WORKER_ALIVE_S))


def routed(requires: Requirements, schema: int = 1) -> dict[str, str]:
    """Return what a job's record says about the workers that may run it; see `class_of`."""
    job_class = class_of(requires, schema)
    fields = {"class": job_class, "schema": str(schema_of(job_class))}
    return fields | (
        {} if requires == NO_REQUIREMENTS else {"requires": requires.model_dump_json()}
    )


def stored(labels: Mapping[str, Any]) -> dict[str, str]:
    """Return labels as a job's record has them."""
    return {
        name: json.dumps(value) if name == "tags" else value or "" for name, value in labels.items()
    }
