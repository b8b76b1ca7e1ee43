"""The predictions of whole data sets, each the result of a job.

    .predictions/{job}/{attempt}/result.parquet, {attempt}/result.csv    a row for each sample
    .predictions/{job}/{attempt}/prediction.json    the description, a `PredictionReport`
    .predictions/{job}/prediction.json              a copy of it, with the attempt as `files`
    .predictions/{job}/owner-{owner}                says whose they are, unless nobody owns them

An attempt stages its files where no other attempt writes, the description last. They are visible
once `publish` has written the copy. All attempts at a job write the same bytes.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from stepbox.data.dataset import DatasetSpec, Split
from stepbox.errors import DamagedModelError, NotFoundError, StoreError
from stepbox.store.card import ModelId, Sha256
from stepbox.store.objects import ObjectStore, object_store
from stepbox.training.evaluation import EvaluationReport
from stepbox.training.report import Count, Nats, Report, Share

FOLDER = ".predictions"
DESCRIPTION = "prediction.json"
OWNER = "owner-"
MOST_DESCRIPTION_BYTES = 2**25  # as of a card, whose evaluation is as large

Format = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = ("parquet", "csv")


class UncertainSample(Report):
    """A sample of whose class the model is uncertain."""

    index: Count = Field(description="Its place in the split, from 0.")
    label: str | None = Field(description="Its class; null if it is not known.")
    predicted: str = Field(description="The class that the model predicts.")
    probability: Share = Field(description="The probability of this class.")
    entropy: Nats = Field(description="Entropy of all its probabilities, in nats.")


class ResultFile(Report):
    """A file with a row for each sample."""

    bytes: int = Field(ge=1, description="Its size.")
    sha256: Sha256 = Field(description="SHA-256 of its content.")


class ResultFiles(Report):
    """The files with a row for each sample. Both have the same rows."""

    parquet: ResultFile
    csv: ResultFile


class PredictionReport(Report):
    """What a model predicts for the samples of a data set."""

    model: ModelId
    dataset: DatasetSpec | None = Field(
        description="The data set, as it was described then. Null if the samples were uploaded."
    )
    split: Split | None = Field(
        description="The split that was predicted. Null if the samples were uploaded."
    )
    samples: int = Field(ge=1, description="Number of samples.")
    classes: tuple[str, ...] = Field(
        description="The classes of the model, in the order of the columns with probabilities."
    )
    columns: tuple[str, ...] = Field(description="Names of the columns of both files.")
    evaluation: EvaluationReport | None = Field(
        description="Evaluation on these samples. Null if the labels are not known, or if a "
        "label is a class that the model does not have."
    )
    uncertain: tuple[UncertainSample, ...] = Field(
        description="The 100 samples with the highest entropy, highest first; of equal ones, the "
        "first."
    )
    files: ResultFiles


class PredictionStore:
    """The predictions of data sets in a store, which the API and the workers share.

    Parameters
    ----------
    place
        An object store, or a folder, which is created with the first prediction.
    """

    def __init__(self, place: ObjectStore | Path) -> None:
        self._objects = object_store(place)

    def stage(
        self,
        job: str,
        attempt: str,
        prediction: PredictionReport,
        files: Mapping[Format, Path],
        submitted_by: str | None = None,
    ) -> str:
        """Move the files of a prediction to their place, where they are not visible yet.

        Parameters
        ----------
        job
            Id of the job.
        attempt
            Name of the attempt at it, which no other attempt has.
        prediction
            The description.
        files
            A file of each format.
        submitted_by
            The owner; None if nobody is.

        Returns
        -------
        str
            The place: what the other methods call this attempt's files.
        """
        place = f"{job}/{attempt}"
        if submitted_by is not None:
            self._objects.put(f"{FOLDER}/{job}/{OWNER}{submitted_by}", b"")
        for format, path in files.items():
            self._objects.put_file(f"{FOLDER}/{place}/{_name(format)}", path)
        content = prediction.model_dump_json().encode()
        self._objects.put(f"{FOLDER}/{place}/{DESCRIPTION}", content)
        return place

    def is_staged(self, place: str) -> bool:
        """Return whether a place has all files of a prediction, published or not."""
        try:
            self._objects.size(f"{FOLDER}/{place}/{DESCRIPTION}")
        except (FileNotFoundError, DamagedModelError):
            return False
        return True

    def publish(self, place: str) -> None:
        """Make staged files visible. It can be repeated, also after a process died during the call.

        Raises
        ------
        NotFoundError
            Nothing is staged at this place.
        """
        job, _, attempt = place.partition("/")
        staged = self._described(place)
        content = {"attempt": attempt, **staged.model_dump(mode="json")}
        self._objects.put(f"{FOLDER}/{job}/{DESCRIPTION}", json.dumps(content).encode())

    def get(self, job: str) -> PredictionReport:
        """Return the description of what a job has predicted.

        Raises
        ------
        NotFoundError
            Nothing of this job is visible.
        StoreError
            The description is damaged.
        """
        self._attempt(job)
        return self._described(job)

    def open(self, job: str, format: Format) -> BufferedReader:
        """Open a file of what a job has predicted, for reading; raises as `get` does."""
        key = f"{FOLDER}/{job}/{self._attempt(job)}/{_name(format)}"
        try:
            return self._objects.local_file(key).open("rb")
        except FileNotFoundError:
            raise _not_found(job) from None

    def discard(self, job: str, before: int | None = None) -> None:
        """Remove the files of all attempts at a job, but not those that are visible.

        With `before`, only those of the attempts whose fence is lower.
        """
        visible = None
        try:
            visible = self._attempt(job)
        except NotFoundError:
            if before is None:
                self.delete(job)
        except StoreError:  # the description is damaged: any of the files may be visible
            return
        for attempt in self._attempts(job):
            if attempt != visible and (before is None or is_before(attempt, before)):
                self._remove(f"{job}/{attempt}")

    def delete(self, job: str) -> None:
        """Remove all files of a job; do nothing if there are none."""
        if self._objects.names(f"{FOLDER}/{job}"):
            self._remove(job)

    def jobs(self) -> list[str]:
        """List the jobs that have files."""
        return self._objects.names(FOLDER)

    def visible(self) -> set[str]:
        """List the jobs whose predictions are visible."""
        return {job for job in self.jobs() if self._is_visible(job)}

    def damaged(self) -> Iterator[str]:
        """Read all visible files; yield what is wrong with those that are damaged."""
        for job in sorted(self.visible()):
            try:
                described, place = self.get(job).files, f"{FOLDER}/{job}/{self._attempt(job)}"
                for format in FORMATS:
                    digest = hashlib.sha256()
                    for piece in self._objects.pieces(f"{place}/{_name(format)}"):
                        digest.update(piece)
                    if digest.hexdigest() != getattr(described, format).sha256:
                        raise StoreError(f"its {format} file differs from its checksum")
            except (FileNotFoundError, NotFoundError, StoreError) as error:
                yield f"prediction {job}: {error}"

    def sweep(self, keep: Callable[[str], bool], age: float) -> None:
        """Remove the files that killed processes and lost attempts have left.

        Parameters
        ----------
        keep
            Tells whether a job is unfinished.
        age
            In seconds. Younger files stay, because they may still be published.
        """
        changed: dict[str, float] = {}
        for entry in self._objects.entries(FOLDER):
            job = entry.key.split("/")[1]
            changed[job] = max(entry.modified, changed.get(job, entry.modified))
        for job, last in changed.items():
            if time.time() - last > age and not keep(job):
                self.discard(job)

    def _attempt(self, job: str) -> str:
        """Return the attempt whose files are visible; raises as `get` does."""
        content = self._read(job)
        try:
            attempt = json.loads(content)["attempt"]
        except (ValueError, KeyError, TypeError):
            raise StoreError(f"the description of the predictions {job} is damaged") from None
        if not self.is_staged(f"{job}/{attempt}"):
            raise _not_found(job)
        return str(attempt)

    def _is_visible(self, job: str) -> bool:
        try:
            self._attempt(job)
        except NotFoundError:
            return False
        except StoreError:  # `damaged` says so
            return True
        return True

    def _attempts(self, job: str) -> list[str]:
        return [name for name in self._objects.names(f"{FOLDER}/{job}") if name.startswith(job)]

    def _described(self, place: str) -> PredictionReport:
        try:
            return PredictionReport.model_validate_json(self._read(place))
        except ValidationError as error:
            raise StoreError(f"the description {place} is damaged: {error}") from error

    def _read(self, place: str) -> bytes:
        try:
            return self._objects.get(f"{FOLDER}/{place}/{DESCRIPTION}", MOST_DESCRIPTION_BYTES)
        except FileNotFoundError:
            raise _not_found(place.partition("/")[0]) from None
        except DamagedModelError as error:
            raise StoreError(f"the description {place} is damaged: {error}") from error

    def _remove(self, place: str) -> None:
        """Remove what is below a place, its description first: the rest is not visible then."""
        self._objects.delete(f"{FOLDER}/{place}/{DESCRIPTION}")
        self._objects.delete_all(f"{FOLDER}/{place}")


def is_before(attempt: str, fence: int) -> bool:
    """Tell whether an attempt, `{job}-{fence}`, has a lower fence."""
    number = attempt.rpartition("-")[2]
    return number.isdecimal() and int(number) < fence


def _name(format: Format) -> str:
    return f"result.{format}"


def _not_found(job: str) -> NotFoundError:
    return NotFoundError(f"there are no predictions of job {job}; they may have been deleted")
