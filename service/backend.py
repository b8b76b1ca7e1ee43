"""The stores and services that the views use."""

from functools import cache, cached_property
from typing import TYPE_CHECKING, cast

from flask import current_app

from jobs.connection import connect, connect_async
from jobs.queue import make_celery
from jobs.store import JobStore
from service.model_figures import ModelFigures
from service.server.streams import Streams
from service.settings import ServiceSettings
from stepbox.data.builtin import DatasetName, load_dataset
from stepbox.data.dataset import Dataset
from stepbox.store.models import ModelStore

if TYPE_CHECKING:
    from celery import Celery


class Backend:
    """The settings and stores of one application; each store is opened when it is first used."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.models = ModelStore(settings.models_dir)
        self.dataset = cache(self._dataset)
        self.figures = ModelFigures(self.models, lambda name: self.dataset(name))
        self.streams = Streams(lambda: connect_async(settings), settings.event_streams)

    @cached_property
    def jobs(self) -> JobStore:
        """Jobs in Redis."""
        return JobStore(connect(self.settings))

    @cached_property
    def celery(self) -> "Celery":
        """The Celery queue, to which each new job sends a token."""
        return make_celery(self.settings)

    def _dataset(self, name: DatasetName) -> Dataset:
        """Read the test set of a data set, and check its checksums, once per process."""
        return load_dataset(name, "test", self.settings.data_dir)


def backend() -> Backend:
    """Return the backend of the application that handles the current request."""
    return cast(Backend, current_app.extensions["stepbox"])
