"""Open the parts of the store that the settings name: folders, or prefixes of a bucket."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import redis

from jobs.changes import StoreChanges
from jobs.settings import Part, Settings
from stepbox.store.folder import FolderStore
from stepbox.store.local_cache import LocalCache
from stepbox.store.objects import ObjectStore

if TYPE_CHECKING:
    from stepbox.store.listed import ListedStore

# Time in s for which a request is repeated. A worker has time. In the API, someone waits. A check
# only asks whether the store answers now.
WORKER_PATIENCE_S = 60.0
CHECK_PATIENCE_S = 2.0
SERVICE_PATIENCE_S = 5.0


def open_part(
    settings: Settings,
    part: Part,
    connect: Callable[[], redis.Redis],
    patience_s: float,
) -> ObjectStore:
    """Open a part of the store.

    Parameters
    ----------
    settings
        Say where it is.
    part
        Which part.
    connect
        Returns the client of Redis. It is needed only to change documents of a bucket.
    patience_s
        Time in s for which a request to a bucket is repeated.
    """
    if settings.bucket is None:
        return FolderStore(settings.folders[part])
    from stepbox.store.bucket import BucketStore  # imported only if needed, as below

    changes = StoreChanges(connect, part)
    return BucketStore(f"{settings.bucket}/{part}", _cache(settings), patience_s, changes)


def open_listed(
    settings: Settings, part: Part, connect: Callable[[], redis.Redis], start: Callable[[], None]
) -> "ListedStore":
    """Open a part of a bucket whose list is kept in memory.

    `settings` and `connect` are those of `open_part`, and `start` is that of `ListedStore`.
    """
    from stepbox.store.listed import ListedStore

    changes = StoreChanges(connect, part)
    return ListedStore(
        f"{settings.bucket}/{part}",
        _cache(settings),
        SERVICE_PATIENCE_S,
        changes,
        changes.announce,
        start,
    )


def _cache(settings: Settings) -> LocalCache:
    return LocalCache(settings.cache_dir / "objects", settings.cache_bytes)
