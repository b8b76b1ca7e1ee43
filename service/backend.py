"""The stores and services that the views use."""

from copy import copy
from functools import cache, cached_property
from typing import TYPE_CHECKING, cast

from flask import current_app, g

from jobs.connection import connect, connect_async
from jobs.owned import OwnedJobs
from jobs.places import SERVICE_PATIENCE_S, open_part
from jobs.queue import make_celery
from jobs.settings import Part
from jobs.store import JobStore
from service.access.tokens import only_owner
from service.exports import Exports
from service.live_trainings import LiveTrainings
from service.model_figures import ModelFigures
from service.server.streams import Streams
from service.settings import ServiceSettings
from service.store_watch import StoreWatch
from stepbox.analysis.dataset_summary import SampleStatistics, sample_statistics
from stepbox.data.dataset import Dataset, Split
from stepbox.errors import ConflictError, NotFoundError
from stepbox.store.alias_record import GateFigures
from stepbox.store.cache import ObjectCache
from stepbox.store.card import Card
from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.datasets import DatasetStore
from stepbox.store.models import ModelStore
from stepbox.store.objects import ObjectStore
from stepbox.store.predictions import PredictionStore
from stepbox.store.quota import Quota

if TYPE_CHECKING:
    from celery import Celery


GATE_FIGURES = 1000  # evaluations of models for gates, each of a few hundred bytes
STATISTICS_BYTES = 32 * 2**20  # for two of the largest data sets, or thousands of the usual ones


SPLIT_WORDS: dict[Split, str] = {"train": "training", "test": "test"}


class Backend:
    """The settings and stores of one application; each store is opened when it is first used."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.tokens = settings.access_tokens  # read once, as `AccessCheck` does
        models, datasets = self._open("models"), self._open("datasets")
        self.models = ModelStore(models)
        self.datasets = DatasetStore(datasets, settings.data_dir)
        self.predictions = PredictionStore(datasets)
        self.quota = Quota(datasets, settings.data_quota, settings.owner_bytes)
        # The built-in data sets take 55 MB each, once both splits were used; others are maps.
        self._builtin = cache(self.datasets.load)
        self._statistics = ObjectCache[SampleStatistics](
            STATISTICS_BYTES, lambda statistics: statistics.bytes
        )
        self.figures = ModelFigures(self.models, self.test_set, self.train_set)
        self.exports = Exports(self.models, self.test_set)
        self.gate_figures = ObjectCache[GateFigures](GATE_FIGURES)
        checkpoints = open_part(
            settings, "checkpoints", lambda: self.jobs.redis, SERVICE_PATIENCE_S
        )
        self.live = LiveTrainings(CheckpointStore(checkpoints), self.figures.turn)
        self.streams = Streams(lambda: connect_async(settings), settings.event_streams)
        self._celery = cache(lambda: make_celery(settings))  # shared by copies, see `seen_by`

    def _open(self, part: Part) -> ObjectStore:
        """Open a part of the store; the list of a bucket is kept in memory."""
        if self.settings.bucket is None:
            return open_part(self.settings, part, lambda: self.jobs.redis, SERVICE_PATIENCE_S)
        return self._watch.open(part)

    @cached_property
    def _watch(self) -> StoreWatch:
        return StoreWatch(self.settings, lambda: self.jobs.redis)

    @cached_property
    def jobs(self) -> JobStore:
        """Jobs in Redis and in the archive."""
        client = connect(self.settings)
        archive = open_part(self.settings, "archive", lambda: client, SERVICE_PATIENCE_S)
        return JobStore(client, archive)

    def seen_by(self, owner: str) -> "Backend":
        """Return this backend with the jobs of an owner, and the models that the owner sees."""
        view = copy(self)
        view.models = self.models.seen_by(owner)
        view.jobs = OwnedJobs(self.jobs, owner)
        return view

    @property
    def celery(self) -> "Celery":
        """The Celery queue, which gets a token for each new job."""
        return self._celery()

    def dataset(self, reference: str, split: Split = "test") -> Dataset:
        """Return one split of a data set; raises as `DatasetStore.load` does."""
        spec = self.datasets.spec(reference)
        return (
            self._builtin(spec.name, split)
            if spec.checksums
            else self.datasets.load(spec.id, split)
        )

    def test_set(self, card: Card) -> Dataset:
        """Return the test set of a model; raise ConflictError if the data set has been deleted."""
        return self._split_of(card, "test")

    def train_set(self, card: Card) -> Dataset:
        """Return the training set of a model; raises as `test_set` does."""
        return self._split_of(card, "train")

    def _split_of(self, card: Card, split: Split) -> Dataset:
        try:
            return self.dataset(card.recipe.dataset, split)
        except NotFoundError:
            raise ConflictError(
                f"the data set {card.dataset.name} ({card.recipe.dataset}) has been deleted, and "
                f"this needs its {SPLIT_WORDS[split]} samples"
            ) from None

    def statistics(self, reference: str, split: Split) -> SampleStatistics:
        """Return statistics of a split; raises as `dataset` does."""
        dataset = self.dataset(reference, split)

        def compute() -> SampleStatistics:
            with self.figures.turn:
                return sample_statistics(dataset)

        # An id follows from the content, so no entry expires.
        return self._statistics.get(f"{dataset.spec.id}/{split}", [], compute)


def backend() -> Backend:
    """Return the backend for the current request: what its token allows to see."""
    if "backend" not in g:
        whole = cast(Backend, current_app.extensions["stepbox"])
        owner = only_owner()
        g.backend = whole if owner is None else whole.seen_by(owner)
    return cast(Backend, g.backend)
