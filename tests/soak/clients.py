"""Clients that submit jobs, follow them, and record every call."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import takewhile
from typing import Any

import requests

from tests.faults.storm import RECIPES
from tests.faults.sweeps import SWEEPS, is_sweep
from tests.soak.book import Book
from tests.soak.history import Call, view, view_of_sweep

SWEEP_EVERY = 5  # submissions of a client
BACKLOG = 4  # while so many jobs are unfinished, no job is submitted
TIMEOUT_S = (2, 6)  # to connect, and between two bytes of an answer
STREAM_S = 4.0  # as long as a client follows events at once
WHOLE_S = 30.0  # as long as it takes at most to read all events of a finished job
IMAGE = {"images": [[[(row * column) % 256 for column in range(28)] for row in range(28)]]}
POINT = {"inputs": [[0.5, -0.25]]}


class Client:
    """One user, who uses all APIs.

    Parameters
    ----------
    name
        Name of the client in the history.
    urls
        The address of each API, by its host.
    book
        Records the calls.
    seed
        Of what the client does.
    """

    def __init__(self, name: str, urls: Mapping[str, str], book: Book, seed: int) -> None:
        self.name = name
        self._urls = urls
        self._book = book
        self._rng = random.Random(seed)
        self._last_event: dict[str, str] = {}
        self._submitted = 0
        self._mine: set[str] = set()

    # -- calls ----------------------------------------------------------------------------

    def submit(self, key: str, fields: Mapping[str, Any], api: str | None = None) -> Call:
        """Submit a training or a sweep; its title is its key."""

        def send(url: str) -> requests.Response:
            answer = requests.post(
                f"{url}/{'sweeps' if is_sweep(fields) else 'train'}",
                json={**fields, "title": key},
                headers={"Idempotency-Key": key},
                timeout=TIMEOUT_S,
            )
            if answer.ok and is_sweep(fields):  # the answer is no job
                job = requests.get(url + answer.json()["links"]["job"], timeout=TIMEOUT_S)
                job.raise_for_status()
                job.status_code = answer.status_code
                return job
            return answer

        return self._call(
            "submit",
            {"key": key, "fields": fields},
            send,
            lambda answer: view(answer.json()),
            api,
        )

    def job(self, id: str, api: str | None = None) -> Call:
        """Read a job."""
        return self._get("job", {"id": id}, f"/jobs/{id}", view, api)

    def sweep(self, id: str, api: str | None = None) -> Call:
        """Read a sweep."""
        return self._get("sweep", {"id": id}, f"/sweeps/{id}", view_of_sweep, api)

    def cancel(self, id: str) -> Call:
        """Cancel a job."""
        return self._call(
            "cancel",
            {"id": id},
            lambda url: requests.post(f"{url}/jobs/{id}/cancel", timeout=TIMEOUT_S),
            lambda answer: view(answer.json()),
        )

    def card(self, model: str, api: str | None = None) -> Call:
        """Read the card of a model."""

        def kept(card: Mapping[str, Any]) -> dict[str, Any]:
            steps = card["steps"] and card["steps"]["sha256"]
            return {"job": card["job"], "weights": card["weights"]["sha256"], "steps": steps}

        return self._get("card", {"model": model}, f"/models/{model}", kept, api)

    def models(self, api: str | None = None) -> Call:
        """List the models."""

        def kept(listed: Mapping[str, Any]) -> dict[str, Any]:
            return {
                "models": [[card["id"], card["job"]] for card in listed["models"]],
                "damaged": [one["id"] for one in listed["damaged"]],
            }

        return self._get("models", {}, "/models?limit=1000", kept, api)

    def predict(self, model: str, api: str | None = None) -> Call:
        """Ask a model for the class of an image, or of a point."""
        body = POINT if model in self._book.of_points else IMAGE
        return self._call(
            "predict",
            {"model": model},
            lambda url: requests.post(f"{url}/predict?model={model}", json=body, timeout=TIMEOUT_S),
            lambda answer: answer.json()["predictions"][0]["logits"],
            api,
        )

    def jobs(self, api: str | None = None) -> Call:
        """List all jobs, in as many pages as it takes."""
        found: list[dict[str, Any]] = []

        def pages(url: str) -> requests.Response:
            after = ""
            while True:
                address = f"{url}/jobs?limit=100{after}"
                answer = requests.get(address, timeout=TIMEOUT_S)
                if not answer.ok:
                    return answer
                found.extend(map(view, answer.json()["jobs"]))
                if answer.json()["next"] is None:
                    return answer
                after = f"&after={answer.json()['next']}"

        return self._call("jobs", {}, pages, lambda _: found, api)

    def events(self, id: str, *, again: bool = False, api: str | None = None) -> Call:
        """Read the events of a job that this client has not seen, or all of them again."""
        after = None if again else self._last_event.get(id)
        events: list[list[Any]] = []

        def read(url: str) -> requests.Response:
            headers = {"Last-Event-ID": after} if after else {}
            until = time.monotonic() + (WHOLE_S if again else STREAM_S)
            with requests.get(
                f"{url}/jobs/{id}/events", headers=headers, timeout=TIMEOUT_S, stream=True
            ) as answer:
                if answer.ok:
                    lines = takewhile(
                        lambda _: time.monotonic() < until, answer.iter_lines(chunk_size=None)
                    )
                    with suppress(requests.RequestException):  # what has arrived counts
                        for event in parse_stream(lines):
                            events.append(event)
                return answer

        call = self._call("events", {"id": id, "after": after}, read, lambda _: events, api)
        if events:
            self._last_event[id] = events[-1][0]
        return call

    def _get(
        self,
        operation: str,
        request: Mapping[str, Any],
        path: str,
        kept: Callable[[Any], Any],
        api: str | None,
    ) -> Call:
        return self._call(
            operation,
            request,
            lambda url: requests.get(url + path, timeout=TIMEOUT_S),
            lambda answer: kept(answer.json()),
            api,
        )

    def _call(
        self,
        operation: str,
        request: Mapping[str, Any],
        send: Callable[[str], requests.Response],
        kept: Callable[[requests.Response], Any],
        api: str | None = None,
    ) -> Call:
        api = api or self._rng.choice(list(self._urls))
        status, content = None, None
        invoked = time.monotonic()
        try:
            answer = send(self._urls[api])
            content = kept(answer) if answer.ok else None
            status = answer.status_code
        except requests.RequestException:
            pass  # unclear
        call = Call(self.name, api, operation, request, invoked, time.monotonic(), status, content)
        self._book.add(call)
        return call

    # -- what a client does ---------------------------------------------------------------

    def use(self, stop: threading.Event, pause_s: float = 0.3) -> None:
        """Do what users do, until told to stop."""
        while not stop.is_set():
            self._act()
            stop.wait(self._rng.uniform(0, 2 * pause_s))

    def _act(self) -> None:
        unfinished, all_jobs = self._book.unfinished(), list(self._book.jobs)
        unclear = list(self._book.unclear.items())  # other clients change it meanwhile
        if unclear and self._rng.random() < 0.5:
            self.submit(*self._rng.choice(unclear))
        elif len(unfinished) < BACKLOG:
            self._submitted += 1
            searches = self._submitted % SWEEP_EVERY == 2
            key = f"{self.name}-{self._submitted}"
            fields = self._rng.choice(SWEEPS if searches else RECIPES)
            # A sweep lives long, so it would hardly ever end if users might always cancel it.
            keeps = searches and self._rng.random() < 0.8
            for _ in range(self._rng.choice((1, 1, 2))):  # as if the first answer had been lost
                if (answer := self.submit(key, fields).answer) and not keeps:
                    self._mine.add(answer["id"])
        elif all_jobs:
            id = self._rng.choice(unfinished or all_jobs)
            self._look(id if self._rng.random() < 0.8 else self._rng.choice(all_jobs))

    def _look(self, id: str) -> None:
        model = self._book.models.get(id)
        chance = self._rng.random()
        if chance < 0.1 and id in self._mine:
            self.cancel(id)
        elif chance < 0.3 and id in self._book.sweeps:
            sweep = self.sweep(id).answer
            if sweep and sweep["jobs"]:
                self.job(self._rng.choice(sweep["jobs"]))
        elif chance < 0.45:
            self.job(id)
        elif chance < 0.65:
            self.events(id)
        elif chance < 0.75:
            self.models()
        elif chance < 0.8:
            self.jobs()
        elif model and chance < 0.9:
            self.card(model)
        elif model:
            self.predict(model)


def parse_stream(lines: Iterable[bytes]) -> Iterator[list[Any]]:
    """Read server-sent events: [id, type, what a history keeps of the data]."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode().partition(": ")
        if not line and "data" in fields:
            yield [fields["id"], fields["event"], _kept(fields["event"], fields["data"])]
            fields = {}
        elif line:
            fields[name] = value


def _kept(type: str, data: str) -> Any:
    values = json.loads(data)
    match type:
        case "status":
            return {name: values[name] for name in ("status", "attempts", "model")}
        case "epoch":
            return [values["epoch"], values["train_loss"]]
        case "loss":
            return [values["samples"], values["train_loss"]]
        case "progress":
            return values["samples"] if "samples" in values else values["trials_ended"]
    return values
