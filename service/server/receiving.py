"""Stream the body of a request to a file, for a view that declares it (`service.bodies.to_file`).

The event loop reads the body, and threads write it in pieces. While a piece is written, the loop
reads nothing more from the client.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from jobs.connection import connect
from jobs.places import WORKER_PATIENCE_S, open_part
from service.bodies.bounds import CheckStart, check_size
from service.server.client_disconnected import DisconnectedError
from service.server.memory_budget import Budget, Share
from service.server.streams import Receive
from service.settings import ServiceSettings
from stepbox.data.readers.detect import FIRST_BYTES
from stepbox.store.quota import Quota
from stepbox.store.uploads import Receiving, Uploads

PIECE_BYTES = 2**20  # written in one step; also the memory that an upload takes
UPLOADS = 8  # bodies that one process receives at the same time; each may last for hours

Run = Callable[..., Awaitable[Any]]


class Receiver:
    """Writes the bodies of a process's requests to files.

    Parameters
    ----------
    settings
        The settings of the API.
    run
        Runs a function in a thread.
    """

    def __init__(self, settings: ServiceSettings, run: Run) -> None:
        datasets = open_part(settings, "datasets", lambda: connect(settings), WORKER_PATIENCE_S)
        self._uploads = Uploads(datasets)
        self._quota = Quota(datasets, settings.data_quota, settings.owner_bytes)
        self._most_bytes = settings.upload_bytes
        self._places = Budget(UPLOADS)
        self._run = run

    async def receive(
        self,
        job: str,
        owner: str | None,
        headers: dict[bytes, bytes],
        receive: Receive,
        check_start: CheckStart,
    ) -> Receiving:
        """Write a body to the file of a job, which nobody owns if `owner` is None.

        Raises
        ------
        BusyError
            Too many bodies are being received.
        StorageFullError, StoreError
            The disk or a quota is full, or the file cannot be written.
        RequestEntityTooLarge
            The body is too large.
        DisconnectedError
            The client has disconnected.
        """
        with Share(self._places) as place:
            await place.grow(1)
            size = int(headers.get(b"content-length", 0))
            file: Receiving = await self._run(self._uploads.receive, job, size, self._quota, owner)
            try:
                await self._write(file, headers, receive, check_start)
            except BaseException:
                await self._run(file.close)
                raise
            return file

    async def _write(
        self,
        file: Receiving,
        headers: dict[bytes, bytes],
        receive: Receive,
        check_start: CheckStart,
    ) -> None:
        piece, more, is_checked = bytearray(), True, False
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            piece += message["body"]
            more = message["more_body"]
            check_size(file.size + len(piece), self._most_bytes)
            if not is_checked and (len(piece) >= FIRST_BYTES or not more):
                check_start(headers, bytes(piece[:FIRST_BYTES]))
                is_checked = True
            if len(piece) >= PIECE_BYTES or not more:
                await self._run(file.write, piece)
                piece = bytearray()
