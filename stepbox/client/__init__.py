"""A client of the REST API, for programs that wait for answers and for asyncio.

    >>> client = stepbox.Client()                              # doctest: +SKIP
    >>> job = client.train("mnist-numpy", epochs=3).wait()     # doctest: +SKIP
    >>> job.model.predict("seven.png").label                   # doctest: +SKIP
    '7'

`operations` describes each operation of the API once, as a method that makes a `Request`. A runner
sends it: that of `Client` waits for the answer, that of `AsyncClient` is awaited. `Job` and
`ServedModel` are handles: what a program does with one job or model.
"""

from stepbox.client.answers import Answer
from stepbox.client.client import AsyncClient, Client
from stepbox.client.events import Event
from stepbox.client.handles import AsyncJob, AsyncServedModel, Job, ServedModel

__all__ = [
    "Answer",
    "AsyncClient",
    "AsyncJob",
    "AsyncServedModel",
    "Client",
    "Event",
    "Job",
    "ServedModel",
]
