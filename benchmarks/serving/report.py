"""Format the figures as Markdown."""

import os
import platform
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.serving.environments import versions
from benchmarks.serving.place import CONNECTIONS, Place, Round
from benchmarks.serving.processes import CORES, ROOT

SHOWN = ("fastapi", "uvicorn", "gunicorn", "torch", "numpy", "pillow", "pydantic")
Results = Mapping[str, list[Round] | str]


def machine(load_before: float, rounds: int, seconds: float) -> str:
    """Describe the machine, its load average, and the runs."""
    names = re.findall(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.M)
    # wrk -v ends with status 1
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout.split(" [")[0]
    return (
        f"{names[0] if names else platform.machine()}, {CORES} of {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {wrk}; medians of {rounds} rounds of {seconds:g} s at each "
        f"number of connections; load average before: {load_before:.2f}\n"
    )


def table(places: Sequence[Place], results: Results) -> str:
    """Format all figures as one table, with the skipped contenders below it."""
    counts = " / ".join(map(str, CONNECTIONS))
    lines = [
        f"| at {counts} connections | request | req/s | p50 ms | p99 ms | CPU µs | memory MB "
        "| first answer s | errors |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    skipped = []
    for place in places:
        rounds = results[place.contender.name]
        title = _title(place)
        if isinstance(rounds, str):
            skipped.append(f"\nSkipped: {title}: {rounds}")
            continue
        cells = (
            title,
            place.contender.form,
            _each(rounds, lambda load: load.rate, ",.0f"),
            _each(rounds, lambda load: load.p50_ms, ".2f"),
            _each(rounds, lambda load: load.p99_ms, ".1f"),
            f"{_middle(rounds, lambda one: one.loads[1].cpu_us):,.0f}",
            f"{_middle(rounds, lambda one: one.memory / 1e6):,.0f}",
            f"{_middle(rounds, lambda one: one.first_answer_s):.2f}",
            f"{sum(load.errors for one in rounds for load in one.loads):,}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines + skipped)


def ratios(results: Results) -> str:
    """Compare Stepbox with FastAPI + torch: ratios of requests, latency and memory."""
    ours, theirs = results.get("stepbox"), results.get("fastapi")
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return ""
    parts = []
    for index, connections in enumerate(CONNECTIONS):
        rate, p99 = (
            _middle(ours, lambda one: getattr(one.loads[index], name))  # noqa: B023
            / _middle(theirs, lambda one: getattr(one.loads[index], name))  # noqa: B023
            for name in ("rate", "p99_ms")
        )
        parts.append(f"{rate:.2f} times the requests and {p99:.2f} of the p99 at {connections}")
    share = _middle(ours, lambda one: one.memory) / _middle(theirs, lambda one: one.memory)
    return f"\nStepbox to FastAPI + torch: {', '.join(parts)}; {share:.2f} of the memory.\n"


def commands(places: Sequence[Place]) -> str:
    """List the commands and the versions that were used."""
    lines = []
    for place in places:
        name = place.contender.name
        lines.append(f"- {name}: `{_shown(place.contender.command)}`")
        if place.contender.requirements and place.environment.exists():
            lines.append(f"  with {_versions(place)}")
    return "\n".join(lines)


def _shown(command: str) -> str:
    return command.replace("{env}/bin/", "").replace(f"{ROOT}/", "")


def _versions(place: Place) -> str:
    found = versions(place.environment)
    own = [requirement.split("==")[0].split("[")[0] for requirement in place.contender.requirements]
    names = dict.fromkeys([*own, *SHOWN])
    return ", ".join(f"{name} {found[name]}" for name in names if name in found)


def _title(place: Place) -> str:
    title = place.contender.title
    if "{" not in title or not place.environment.exists():
        return re.sub(r" \{.*?\}", "", title)
    return title.format_map(versions(place.environment))


def _middle(rounds: list[Round], value: Callable[[Round], float]) -> float:
    return median(value(one) for one in rounds)


def _each(rounds: list[Round], value: Callable[..., float], form: str) -> str:
    return " / ".join(
        f"{median(value(one.loads[index]) for one in rounds):{form}}"
        for index in range(len(CONNECTIONS))
    )
