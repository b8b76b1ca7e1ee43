"""The stores and services that the views use."""

from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, cast

from flask import current_app

from jobs.connection import connect, connect_async
from jobs.queue import make_celery
from jobs.store import JobStore
from service.model_figures import ModelFigures
from service.server.streams import Streams
from service.settings import ServiceSettings
from stepbox.store.datasets import DatasetStore
from stepbox.store.models import ModelStore
from stepbox.store.quota import Quota

if TYPE_CHECKING:
    from celery import Celery


KEPT_SPLITS = 16  # the built-in ones take 8 MB each, the others are memory maps


class Backend:
    """The settings and stores of one application; each store is opened when it is first used."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.tokens = settings.access_tokens  # read once, as `AccessCheck` does
        self.models = ModelStore(settings.models_dir)
        self.datasets = DatasetStore(settings.datasets_dir, settings.data_dir)
        # The test sets, each read and compared with its checksums once while it is in the cache.
        self.dataset = lru_cache(KEPT_SPLITS)(partial(self.datasets.load, split="test"))
        self.quota = Quota(settings.datasets_dir, settings.data_quota)
        self.figures = ModelFigures(self.models, lambda name: self.dataset(name))
        self.streams = Streams(lambda: connect_async(settings), settings.event_streams)

    @cached_property
    def jobs(self) -> JobStore:
        """Jobs in Redis."""
        return JobStore(connect(self.settings))

    @cached_property
    def celery(self) -> "Celery":
        """The Celery queue, which gets a token for each new job."""
        return make_celery(self.settings)


def backend() -> Backend:
    """Return the backend of the application that handles the current request."""
    return cast(Backend, current_app.extensions["stepbox"])
