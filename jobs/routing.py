"""Which workers may run which jobs.

A worker may run a job if it understands the job's schema version, and has what the job requires.
Both together are the *class* of the job, a name like ``v2.cuda.16g``. The queued jobs of a class
are together in Redis (``jobs/lua/queue.lua``), and their tokens are in one Celery queue
(`jobs.queue`). A worker lists the classes that it takes in its heartbeat.

A job has the lowest schema version that has all its fields, so workers of the previous release run
as many jobs as they can:

- 1: all jobs that require nothing; records without a version are of this one
- 2: trainings that require something (``requires``)
- 3: sweeps and their trials, predictions of data sets, reproductions of models
"""

import re

from stepbox.training.requirements import MOST_MEMORY, NO_REQUIREMENTS, Requirements

NEW_KINDS = 3  # sweeps and their trials, predictions of data sets, reproductions of models
SCHEMA = NEW_KINDS  # the newest version of records that this release understands
FIRST_CLASS = "v1"
GIB = 2**30

_CLASS = re.compile(r"v(\d{1,9})(\.cuda|\.cpu)?(?:\.(\d{1,9})g)?")


def class_of(requires: Requirements, schema: int = 1) -> str:
    """Return the class of a job.

    Parameters
    ----------
    requires
        What the job requires.
    schema
        The lowest schema version that has all its other fields.
    """
    if requires == NO_REQUIREMENTS:
        return f"v{schema}"
    device = f".{requires.device}" if requires.device else ""
    memory = f".{_rounded_up(requires.memory)}g" if requires.memory else ""
    return f"v{max(2, schema)}{device}{memory}"


def classes_taken(device: str, memory: int | None) -> list[str]:
    """List the classes that a worker takes.

    Parameters
    ----------
    device
        What it trains on: ``cpu``, ``cuda`` with or without a name, as in ``cuda (NVIDIA H200)``,
        or something else if that is not known.
    memory
        Its memory in bytes; None if that is not known.
    """
    kind = device.partition(" ")[0]
    devices = ["", f".{kind}"] if kind in ("cpu", "cuda") else [""]
    sizes = [2**power for power in range((MOST_MEMORY // GIB).bit_length())]
    memories = ["", *(f".{size}g" for size in sizes if size * GIB <= (memory or 0))]
    needs = [f"{one}{other}" for one in devices for other in memories]
    needing = [f"v{schema}{need}" for schema in range(2, SCHEMA + 1) for need in needs]
    return [FIRST_CLASS, *(name for name in needing if name != "v2")]


def schema_of(job_class: str) -> int:
    """Return the schema version of the jobs of a class."""
    match = _CLASS.fullmatch(job_class)
    if match is None:  # only a later version writes such a name
        return SCHEMA + 1
    return int(match[1])


def needs_in_words(requires: Requirements) -> str:
    """Say what a job requires, as the object of a sentence."""
    device = {"cuda": "a CUDA device", "cpu": "no CUDA device", None: None}[requires.device]
    memory = f"{_rounded_up(requires.memory):,} GiB of memory" if requires.memory else None
    return " and ".join(need for need in (device, memory) if need) or "nothing"


def _rounded_up(memory: int) -> int:
    """Return the smallest power of two, in GiB, that is at least this many bytes."""
    return 1 << (-(-memory // GIB) - 1).bit_length()
