"""Compare all objects of a store with their checksums, and find those that nothing refers to."""

from collections.abc import Iterator
from typing import NamedTuple

from redis.exceptions import RedisError

from jobs.archive_file import Index
from jobs.connection import connect
from jobs.copying import entries_of, open_parts
from jobs.settings import Part, Settings
from jobs.store import JobStore
from stepbox.data.dataset import DATASET_ID
from stepbox.errors import DamagedModelError, DatasetError, NotFoundError, StoreError
from stepbox.store.alias_record import is_alias_record
from stepbox.store.aliases import FILE as ALIASES
from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.datasets import SPLITS, DatasetStore, attempt_of
from stepbox.store.models import ModelStore
from stepbox.store.predictions import FOLDER as PREDICTIONS
from stepbox.store.predictions import PredictionStore


class Findings(NamedTuple):
    """What was found in a store.

    Attributes
    ----------
    objects
        Number of objects.
    damaged
        What is damaged, each with the reason.
    orphans
        The keys of objects that nothing refers to: left by attempts that lost, or by processes
        that were killed. A worker removes them once they are a day old, but files of the archive
        only if this Redis knows that they are not needed.
    unknown
        Why it is not known what unfinished jobs need; None if it is known.
    """

    objects: int
    damaged: list[str]
    orphans: list[str]
    unknown: str | None


def verify(settings: Settings) -> Findings:
    """Read all objects of the store that the settings name. Raises UnavailableError."""
    parts = open_parts(settings)
    # Listed first: what is published meanwhile is not taken for an orphan then.
    entries = list(entries_of(settings, parts))
    models = ModelStore(parts["models"])
    datasets = DatasetStore(parts["datasets"], settings.data_dir)
    predictions = PredictionStore(parts["datasets"])
    damaged = [
        *_damaged_models(models),
        *_damaged_datasets(datasets),
        *predictions.damaged(),
        *(f"checkpoint {name}" for name in CheckpointStore(parts["checkpoints"]).damaged()),
    ]
    jobs: dict[str, str | None] | None = None
    archived: set[str] = set()
    unknown = None
    try:
        with connect(settings) as client:
            store = JobStore(client, parts["archive"])
            jobs = store.unfinished()
            for file in store.archive.view().files:
                archived.add(file.name)
                try:
                    Index.read(store.archive.local_file(file.name), file.sha256)
                except StoreError as error:
                    damaged.append(f"archive {file.name}: {error}")
    except RedisError as error:
        jobs = None  # it may have failed between the jobs and the archive
        unknown = f"Redis cannot be reached: {error}"
    needed = _Needed({*models.ids()}, datasets.visible(), predictions.visible(), jobs, archived)
    orphans = [f"{part}/{entry.key}" for part, entry in entries if not needed(part, entry.key)]
    return Findings(len(entries), damaged, orphans, unknown)


class _Needed(NamedTuple):
    """Tells whether something refers to an object.

    Attributes
    ----------
    models
        Ids of the models.
    datasets
        The place of each data set, or what is damaged.
    predictions
        The jobs whose predictions are visible.
    jobs
        What each unfinished job publishes; None if it is not known.
    archived
        The names of the files with archived jobs, if `jobs` is known.
    """

    models: set[str]
    datasets: dict[str, str | DatasetError]
    predictions: set[str]
    jobs: dict[str, str | None] | None
    archived: set[str]

    def __call__(self, part: Part, key: str) -> bool:
        first, _, rest = key.partition("/")
        place = key.rpartition("/")[0]
        if part == "models":
            staged = rest.partition("/")[0] if first == ".staged" else first
            if first in self.models or key == ALIASES or is_alias_record(key):
                return True
            return self._is_published_later(staged)
        if part == "datasets" and DATASET_ID.fullmatch(first):
            if place in self.datasets.values() or (place == first and first in self.datasets):
                return True
            return self._is_unfinished(attempt_of(place).rpartition("-")[0])
        if part == "datasets" and first == PREDICTIONS:
            job = rest.partition("/")[0]
            return job in self.predictions or self._is_unfinished(job)
        if part == "archive":
            return self.jobs is None or key in self.archived
        # A checkpoint, or an upload, whose name begins with the job's id.
        return self._is_unfinished(first if part == "checkpoints" else rest.partition(".")[0])

    def _is_unfinished(self, job: str) -> bool:
        return self.jobs is None or job in self.jobs

    def _is_published_later(self, model: str) -> bool:
        return self.jobs is None or model in self.jobs.values()


def _damaged_models(models: ModelStore) -> Iterator[str]:
    for model_id in models.ids():
        try:
            models.load_initial(model_id)
            models.load_steps(model_id)
        except (DamagedModelError, NotFoundError) as error:
            yield str(error)


def _damaged_datasets(datasets: DatasetStore) -> Iterator[str]:
    for id, place in datasets.visible().items():
        try:
            if isinstance(place, DatasetError):
                raise place
            for split in SPLITS:
                datasets.load(id, split)
        except (DatasetError, NotFoundError) as error:
            yield f"data set {id}: {error}"
