"""Make Redis unavailable for a while, at each critical moment of a job.

Redis is either paused, or killed and started again. `python -m tests.faults.redis_away` tries both
ways at each moment, each time with a new installation, and prints the measured times.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import requests

from jobs.connection import connect
from jobs.store import JobStore
from tests.faults.checks import check_undisturbed
from tests.faults.reference import reference
from tests.problems import check_problem
from tests.processes import Stack, stack_in, wait_until

FIELDS: dict[str, Any] = {"epochs": 10, "hidden_sizes": (8,), "seed": 1}
AT_ONCE_S = {"killed": 5, "paused": 8}  # longest time until a 503; only a timeout detects a pause
# Where the worker waits, so that the job has not ended before its moment is over.
HOLDS = {"training": "epoch-3", "cancelling": "epoch-3", "publishing": "staged"}
WAYS = ("killed", "paused")


class Scene:
    """A new installation with a job that has been submitted.

    At the point ``held`` of `tests.worker.holding`, the worker waits for `go_on`.
    """

    def __init__(self, stack: Stack, *, held: str | None) -> None:
        self.stack = stack
        self._hold = stack.folder / held if held else None
        stack.environment["HOLD_DIR"] = str(stack.folder)
        self.redis = stack.start_redis()
        stack.start_worker(application="tests.worker.holding")
        stack.start_service()
        self.jobs = JobStore(connect(stack.settings()))
        stack.wait_for(stack.train(epochs=1, hidden_sizes=[2])["id"], "succeeded")
        self.image = requests.get(f"{stack.url}/datasets/mnist/test/0.png", timeout=10).content
        if self._hold:
            self._hold.touch()
        self.id: str = stack.train(**FIELDS)["id"]

    def go_on(self) -> None:
        """Let a worker that is held go on."""
        if self._hold:
            self._hold.unlink()

    def epoch_on_disk(self) -> int:
        """Return the epoch of the last checkpoint on the disk; -1 if there is none."""
        folder = self.stack.models_dir / ".checkpoints" / self.id
        names = os.listdir(folder) if folder.exists() else []  # noqa: PTH208
        return max((int(name[1:].split("-")[0]) for name in names if name[0] == "e"), default=-1)

    def published(self) -> int:
        """Return the number of models that the job has published."""
        cards = requests.get(f"{self.stack.url}/models?limit=1000", timeout=10).json()["models"]
        return [card["job"] for card in cards].count(self.id)

    # -- moments: each function waits for its moment --------------------------------------

    def queued(self) -> None:
        """Another job runs, and the new job waits."""
        self.id = self.stack.train(**FIELDS)["id"]

    def claimed(self) -> None:
        """A worker has just claimed the job."""
        soon(lambda: self.jobs.redis.hget(f"job:{self.id}", "status") == "running")

    def training(self) -> None:
        """An epoch has ended, and the next one has begun."""
        wait_until(lambda: len(self.stack.job(self.id)["history"]) >= 2)

    def publishing(self) -> None:
        """The worker has staged the model, and has not yet asked Redis to decide."""
        reached = self.stack.folder / "staged.reached"
        wait_until(reached.exists, what="the model to be staged")

    def cancelling(self) -> None:
        """The API has accepted a cancel, and the worker may not have noticed it yet."""
        self.training()
        answer = requests.post(f"{self.stack.url}/jobs/{self.id}/cancel", timeout=10)
        assert answer.status_code == 202, answer.text

    # -- while Redis is unavailable -------------------------------------------------------

    def ask_for_jobs(self) -> float:
        """Check that all endpoints that need Redis answer 503; return the longest time."""
        endpoints = [
            ("get", "/jobs"),
            ("get", f"/jobs/{self.id}"),
            ("get", f"/jobs/{self.id}/events"),
            ("post", f"/jobs/{self.id}/cancel"),
            ("post", "/train"),
            ("get", "/readyz"),
        ]

        def ask(method: str, path: str) -> float:
            answer = requests.request(method, self.stack.url + path, json={}, timeout=30)
            check_problem(answer, 503)
            assert int(answer.headers["Retry-After"]) > 0
            return answer.elapsed.total_seconds()

        with ThreadPoolExecutor(len(endpoints)) as pool:
            return max(pool.map(ask, *zip(*endpoints, strict=True)))

    def predict(self) -> float:
        """Check that a prediction works; return the time that it took."""
        answer = requests.post(
            f"{self.stack.url}/predict",
            data=self.image,
            headers={"Content-Type": "image/png"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return answer.elapsed.total_seconds()


MOMENTS: dict[str, Callable[[Scene], None]] = {
    moment.__name__: moment
    for moment in (
        Scene.queued,
        Scene.claimed,
        Scene.training,
        Scene.publishing,
        Scene.cancelling,
    )
}


def soon(condition: Callable[[], Any], seconds: float = 120) -> None:
    """Wait for a condition, and return at once when it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.0005)


def away(scene: Scene, way: str, seconds: float, epochs: int) -> dict[str, Any]:
    """Make Redis unavailable for at least these seconds and epochs, and check the API meanwhile."""
    gone = time.monotonic()
    if way == "killed":
        scene.redis.stop(signal.SIGKILL)
    else:
        os.kill(scene.redis.pid, signal.SIGSTOP)
    scene.go_on()
    try:
        before = scene.epoch_on_disk()
        predictions = [scene.predict()]
        slowest = scene.ask_for_jobs()
        assert slowest < AT_ONCE_S[way], f"the slowest 503 took {slowest:.1f} s"
        predictions.append(scene.predict())
        while time.monotonic() < gone + seconds or scene.epoch_on_disk() < before + epochs:
            assert time.monotonic() < gone + seconds + 60, "the training waits for Redis"
            predictions.append(scene.predict())
            time.sleep(0.2)
        after = scene.epoch_on_disk()
    finally:
        if way == "paused":
            os.kill(scene.redis.pid, signal.SIGCONT)
    seen = {
        "away_s": round(time.monotonic() - gone, 1),
        "slowest_503_s": round(slowest, 2),
        "predictions": len(predictions),
        "slowest_prediction_s": round(max(predictions), 2),
        "epochs_meanwhile": after - before,
    }
    if way == "killed":
        scene.redis = scene.stack.start_redis()
    return seen


def answers(scene: Scene) -> bool:
    """Tell whether the API returns the job again."""
    return requests.get(f"{scene.stack.url}/jobs/{scene.id}", timeout=30).status_code == 200


def run(folder: Path, moment: str, way: str, seconds: float) -> dict[str, Any]:
    """Run one scene, check that the fault changed no result, and return the measurements."""
    with stack_in(folder) as stack:
        scene = Scene(stack, held=HOLDS.get(moment))
        MOMENTS[moment](scene)
        seen = away(scene, way, seconds, epochs=int(moment == "training"))
        back = time.monotonic()
        wait_until(lambda: answers(scene), what="the API to find Redis again")
        seen["api_back_after_s"] = round(time.monotonic() - back, 1)
        job = stack.wait_for(scene.id)
        seen["job_over_after_s"] = round(time.monotonic() - back, 1)
        seen["attempts"] = job["attempts"]
        if moment == "cancelling":
            assert (job["status"], scene.published()) == ("cancelled", 0)
        else:
            check_undisturbed(stack, scene.jobs, job, reference(**FIELDS))
        listed = requests.get(f"{stack.url}/jobs", timeout=10).json()["jobs"]
        for other in listed:
            stack.wait_for(other["id"], "succeeded", "cancelled")
        stack.wait_for(stack.train(epochs=1, hidden_sizes=[2])["id"], "succeeded")
    return {"moment": moment, "way": way, **seen}


def main() -> int:
    """Run all scenes and print their measurements; return 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--at-once", type=int, default=1, help="number of scenes in parallel")
    arguments = parser.parse_args()
    reference(**FIELDS)
    failed = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(arguments.at_once) as pool,
    ):
        scenes = {
            scene: pool.submit(run, Path(folder) / "-".join(scene), *scene, arguments.seconds)
            for scene in product(MOMENTS, WAYS)
        }
        for scene, future in scenes.items():
            error = future.exception()
            failed += error is not None
            print(f"{scene}: {error!r}" if error else json.dumps(future.result()), flush=True)
    print(f"{len(scenes)} scenes, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
