"""Keeps the lists of this process's buckets up to date."""

import logging
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import TYPE_CHECKING

import redis
from redis.exceptions import RedisError

from jobs.changes import latest, news
from jobs.places import open_listed
from jobs.settings import Part, Settings
from stepbox.errors import UnavailableError

if TYPE_CHECKING:
    from stepbox.store.listed import ListedStore

log = logging.getLogger(__name__)

NEWS_S = 1.0  # longest wait for news
AWAY_S = 2.0  # between two lists while Redis cannot be reached
ALL_S = 60.0  # between two lists otherwise: they find what others have put into the bucket


class StoreWatch:
    """Reads the news of changes in a thread. The thread starts when a store is first used.

    Parameters
    ----------
    settings
        Say which bucket it is.
    connect
        Returns the client of Redis.
    """

    def __init__(self, settings: Settings, connect: Callable[[], redis.Redis]) -> None:
        self._settings = settings
        self._connect = connect
        self._stores: dict[str, ListedStore] = {}
        self._starting = Lock()
        self._thread = Thread(target=self._run, name="store-watch", daemon=True)

    def open(self, part: Part) -> "ListedStore":
        """Open a part of the bucket whose list this watch keeps up to date."""
        store = open_listed(self._settings, part, self._connect, self._start)
        self._stores[part] = store
        return store

    def _start(self) -> None:
        with self._starting:
            if self._thread.ident is None:
                self._thread.start()

    def _run(self) -> None:
        cursor: str | None = None  # of the news; None: everything has to be listed first
        answered = True
        while True:
            try:
                cursor = self._list_all() if cursor is None else self._follow(cursor)
                answered = True
            except UnavailableError as error:
                if answered:
                    log.warning("the bucket cannot be listed: %s", error.why)
                answered, cursor = False, None
            except Exception:  # the thread must survive every error
                log.exception("the bucket cannot be listed")
                cursor = None
            if cursor is None:
                time.sleep(AWAY_S)

    def _list_all(self) -> str | None:
        """List all stores; return the cursor of the news since then, or None without Redis."""
        try:
            cursor = latest(self._connect())
        except RedisError:
            cursor = None
        for store in self._stores.values():
            store.refresh_all()
        return cursor

    def _follow(self, cursor: str) -> str | None:
        """List what has changed, until everything has to be listed again."""
        until = time.monotonic() + ALL_S
        while time.monotonic() < until:
            try:
                keys, cursor = news(self._connect(), cursor, NEWS_S)
            except RedisError:
                return None
            if keys is None:
                return None
            for part, name in {tuple(key.split("/")[:2]) for key in keys}:
                if part in self._stores:
                    self._stores[part].refresh(name)
        return self._list_all()
