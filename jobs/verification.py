"""Compare all objects of a store with their checksums, and find those that nothing refers to."""

from collections.abc import Iterator
from typing import NamedTuple

from redis.exceptions import RedisError

from jobs.connection import connect
from jobs.copying import entries_of, open_parts
from jobs.settings import Settings
from jobs.store import JobStore
from stepbox.data.dataset import DATASET_ID
from stepbox.errors import DatasetError, StepboxError
from stepbox.store.aliases import FILE as ALIASES
from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.datasets import SPLITS, DatasetStore
from stepbox.store.models import ModelStore


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
        that were killed. A worker removes them once they are a day old.
    unknown
        Why it is not known which checkpoints and uploads are needed; None if it is known.
    """

    objects: int
    damaged: list[str]
    orphans: list[str]
    unknown: str | None


def verify(settings: Settings) -> Findings:
    """Read all objects of the store that the settings name. Raises UnavailableError."""
    parts = open_parts(settings)
    models = ModelStore(parts["models"])
    datasets = DatasetStore(parts["datasets"], settings.data_dir)
    damaged = [
        *_damaged_models(models),
        *_damaged_datasets(datasets),
        *(f"checkpoint {name}" for name in CheckpointStore(parts["checkpoints"]).damaged()),
    ]
    jobs: set[str] | None = None
    unknown = None
    try:
        with connect(settings) as client:
            jobs = {*JobStore(client).unfinished()}
    except RedisError as error:
        unknown = f"Redis cannot be reached: {error}"
    published, visible = {*models.ids()}, datasets.visible()
    places = {*visible.values()}
    objects, orphans = 0, []
    for part, entry in entries_of(settings, parts):
        objects += 1
        first, _, rest = entry.key.partition("/")
        if part == "models":
            needed = first in published or entry.key == ALIASES
        elif part == "datasets" and DATASET_ID.fullmatch(first):
            place = entry.key.rpartition("/")[0]
            needed = place in places or (place == first and first in visible)
        else:  # a checkpoint, or an upload, whose name begins with the job's id
            job = first if part == "checkpoints" else rest.partition(".")[0]
            needed = jobs is None or job in jobs
        if not needed:
            orphans.append(f"{part}/{entry.key}")
    return Findings(objects, damaged, orphans, unknown)


def _damaged_models(models: ModelStore) -> Iterator[str]:
    for model_id in models.ids():
        try:
            models.load_initial(model_id)
            models.load_steps(model_id)
        except StepboxError as error:
            yield str(error)


def _damaged_datasets(datasets: DatasetStore) -> Iterator[str]:
    for id, place in datasets.visible().items():
        try:
            if isinstance(place, DatasetError):
                raise place
            for split in SPLITS:
                datasets.load(id, split)
        except StepboxError as error:
            yield f"data set {id}: {error}"
