"""A worker that archives all the time, as `tests.worker.archiving_once` does."""

from tests.worker.tidy import app as app
from worker import sweeper

sweeper.ARCHIVE = "tests.worker.archiving_once"
