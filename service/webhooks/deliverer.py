"""Threads of the API that deliver webhooks: they claim what is due, and send it."""

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from secrets import token_hex
from threading import Event, Thread
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from jobs.deliveries import Delivery, Outcome
from jobs.signing import signed_headers
from jobs.store import JobStore
from service.settings import ServiceSettings
from service.webhooks.sending import DeliveryError, send
from stepbox.errors import NotFoundError, StepboxError

log = logging.getLogger(__name__)

THREADS = 4  # deliveries at a time, to different hosts
PAUSE_S = 1.0  # between two looks at Redis while nothing is due
MISSED_S = 60.0  # between two searches for jobs that another version has ended


class Deliverer:
    """Delivers webhooks in threads, from `start` to `stop`.

    A killed process loses nothing: its deliveries are due again once their leases have ended.

    Parameters
    ----------
    settings
        Say which addresses are allowed, and how messages are signed.
    jobs
        Returns all jobs.
    """

    def __init__(self, settings: ServiceSettings, jobs: Callable[[], JobStore]) -> None:
        self._allowed = settings.webhook_hosts
        self._secrets = settings.webhook_secrets
        self._jobs = jobs
        self._stopping = Event()
        self._answered = True  # whether Redis did
        self._searched = -MISSED_S  # when the last search for missed jobs was
        self._threads = [
            Thread(target=self._run, name=f"webhooks-{number}", daemon=True)
            for number in range(THREADS)
        ]

    def start(self) -> None:
        """Start the threads. Call it after the last fork."""
        for thread in self._threads:
            thread.start()

    def stop_claiming(self) -> None:
        """Begin no further delivery. A signal handler may call this."""
        self._stopping.set()

    def stop(self) -> None:
        """Begin no further delivery, and wait for those in progress."""
        self.stop_claiming()
        for thread in self._threads:
            thread.join()

    def deliver_next(self) -> bool:
        """Try to deliver what has been due the longest; return False if nothing is due."""
        jobs, attempt = self._jobs(), token_hex(8)
        delivery = jobs.deliveries.claim(attempt)
        if delivery is None:
            return False
        status, error = self._attempt(jobs, delivery)
        outcome: Outcome = "failed" if error else "delivered"
        if status == HTTPStatus.GONE:
            outcome = "refused"
        state = jobs.deliveries.settle(delivery, attempt, outcome, status, error)
        host = urlsplit(delivery.url).netloc  # the rest of a URL may contain a secret
        log.log(
            logging.WARNING if error else logging.INFO,
            "webhook of job %s to %s, attempt %s: %s%s",
            *(delivery.id, host, delivery.attempts, state, f", {error}" if error else ""),
        )
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            found = False
            try:
                self._search()
                found = self.deliver_next()
                self._answered = True
            except RedisError as error:
                if self._answered:
                    log.warning("webhooks wait for Redis: %s", error)
                self._answered = False
            except Exception:  # the thread must survive every error
                log.exception("a webhook cannot be delivered")
            if not found:
                self._stopping.wait(PAUSE_S)

    def _search(self) -> None:
        if monotonic() - self._searched >= MISSED_S:
            self._searched = monotonic()
            self._jobs().deliveries.find_missed()

    def _attempt(self, jobs: JobStore, delivery: Delivery) -> tuple[int | None, str]:
        """Send a message; return the status of the response, and what went wrong or ''."""
        try:
            body = json.dumps(_message(jobs, delivery), allow_nan=False).encode()
            secrets = self._secrets or [jobs.deliveries.secret()]
            headers = signed_headers(secrets, delivery.id, body)
            status = send(delivery.url, headers, body, self._allowed)
        except DeliveryError as error:
            return None, str(error)
        except StepboxError as error:
            return None, f"the job cannot be read: {error}"
        except RedisError:  # the attempt is repeated when its lease has ended
            raise
        except Exception as error:
            log.exception("the webhook of job %s cannot be sent", delivery.id)
            return None, f"an unexpected {type(error).__name__}; the log of the API has the details"
        if 300 <= status < 400:
            return status, f"the response was {status}, and redirects are not followed"
        return status, "" if 200 <= status < 300 else f"the response was {status}"


def _message(jobs: JobStore, delivery: Delivery) -> dict[str, Any]:
    """Return what the receiver gets: the job as it is now, or its id if it was deleted."""
    try:
        job = jobs.get(delivery.id).to_json()
    except NotFoundError:
        job = {"id": delivery.id, "status": delivery.type.removeprefix("job."), "deleted": True}
    ended_at = delivery.to_json()["ended_at"]
    return {"type": delivery.type, "timestamp": ended_at, "data": job}
