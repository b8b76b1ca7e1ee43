"""Progress bars."""

from __future__ import annotations

from typing import Any

from stepbox.client.answers import Answer
from stepbox.client.events import Event


def bar(shown: bool = True, **options: Any) -> Any:
    """Return a bar of tqdm, which is a context manager.

    Parameters
    ----------
    shown
        Show it, in a terminal or a notebook.
    options
        Those of `tqdm.tqdm`.
    """
    from tqdm.asyncio import tqdm as terminal_bar  # imported here: only bars need it
    from tqdm.auto import tqdm

    hidden = None if tqdm is terminal_bar else False  # None: tqdm shows it only in a terminal
    return tqdm(disable=hidden if shown else True, **options)


def accuracy_of(epoch: Answer) -> str:
    """Describe the accuracy after an epoch. Trials of a sweep have none of the test set."""
    for split in ("test", "validation"):
        if epoch[f"{split}_accuracy"] is not None:
            return f"{split} accuracy {epoch[f'{split}_accuracy']:.2%}"
    return "accuracy unknown"


class JobBar:
    """The progress of a job or a sweep. A context manager."""

    def __init__(self, id: str, shown: bool) -> None:
        self._id, self._shown = id, shown

    def __enter__(self) -> JobBar:
        style = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
        self._bar = bar(self._shown, total=1.0, desc=self._id, bar_format=style)
        return self

    def __exit__(self, *reason: object) -> None:
        self._bar.close()

    def show(self, event: Event) -> None:
        """Show what an event says."""
        if event.kind == "status":
            self._bar.set_description_str(f"{self._id} {event.data.status}")
            progress = event.data.progress
        elif event.kind == "progress":
            progress = event.data
        elif event.kind == "epoch":
            self._bar.set_postfix_str(f"epoch {event.data.epoch}, {accuracy_of(event.data)}")
            return
        else:
            return
        if "trials" in progress:
            self._bar.set_postfix_str(f"{progress.trials_ended} of {progress.trials} trials")
        if "fraction" in progress:
            self._bar.update(progress.fraction - self._bar.n)
