"""The stores and services that the views use."""

from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, cast

from flask import current_app

from jobs.connection import connect, connect_async
from jobs.queue import make_celery
from jobs.store import JobStore
from service.model_figures import ModelFigures
from service.server.receiving import uploads_of
from service.server.streams import Streams
from service.settings import ServiceSettings
from stepbox.data.builtin import load_dataset
from stepbox.store.models import ModelStore
from stepbox.store.quota import Quota

if TYPE_CHECKING:
    from celery import Celery


class Backend:
    """The settings and stores of one application; each store is opened when it is first used."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.tokens = settings.access_tokens  # read once, as `AccessCheck` does
        self.models = ModelStore(settings.models_dir)
        # The test sets, each read and compared with its checksums once per process.
        self.dataset = cache(partial(load_dataset, split="test", folder=settings.data_dir))
        self.uploads = uploads_of(settings.datasets_dir)
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
