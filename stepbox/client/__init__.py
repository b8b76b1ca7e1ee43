"""Clients of the REST API, for programs that wait for answers and for asyncio.

`operations` describes each operation of the API once, as a method that makes a request, as
`requests` defines it. A runner sends it (`runners`): that of `Client` waits for the answer, that of
`AsyncClient` is awaited. `handles` and
`served_models` are what programs do with one job, sweep or model.

Public names: `Client` and `AsyncClient` (client), `Job`, `AsyncJob`, `Sweep` and `AsyncSweep`
(handles), `ServedModel` and `AsyncServedModel` (served_models), `Answer` (answers), `Event`
(events), `ClientError` (errors).
"""

from stepbox.client.answers import Answer
from stepbox.client.client import AsyncClient, Client
from stepbox.client.events import Event
from stepbox.client.handles import AsyncJob, AsyncSweep, Job, Sweep
from stepbox.client.served_models import AsyncServedModel, ServedModel

__all__ = [
    "Answer",
    "AsyncClient",
    "AsyncJob",
    "AsyncServedModel",
    "AsyncSweep",
    "Client",
    "Event",
    "Job",
    "ServedModel",
    "Sweep",
]
