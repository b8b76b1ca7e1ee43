"""Format the results as Markdown."""

import os
import platform
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.serving.deployment import CONNECTIONS, Deployment, Round
from benchmarks.serving.environments import versions
from benchmarks.serving.processes import CORES, ROOT

SHOWN = ("fastapi", "uvicorn", "gunicorn", "torch", "numpy", "pillow", "pydantic")
Results = Mapping[str, list[Round] | str]


def machine(load_before: float, rounds: int, seconds: float) -> str:
    """Describe the machine, its load average, and the rounds."""
    names = re.findall(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.M)
    # wrk -v ends with status 1
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout.split(" [")[0]
    return (
        f"{names[0] if names else platform.machine()}, {CORES} of {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {wrk}; medians of {rounds} rounds of {seconds:g} s at each "
        f"number of connections; load average before: {load_before:.2f}\n"
    )


def table(deployments: Sequence[Deployment], results: Results) -> str:
    """Format all results as one table, with the skipped contenders below it."""
    counts = " / ".join(map(str, CONNECTIONS))
    lines = [
        f"| at {counts} connections | request | req/s | p50 ms | p99 ms | CPU µs | memory MB "
        "| first answer s | errors |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    skipped = []
    for deployment in deployments:
        rounds = results[deployment.contender.name]
        title = _title(deployment)
        if isinstance(rounds, str):
            skipped.append(f"\nSkipped: {title}: {rounds}")
            continue
        cells = (
            title,
            deployment.contender.form,
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


def commands(deployments: Sequence[Deployment]) -> str:
    """List the commands and the versions that were used."""
    lines = []
    for deployment in deployments:
        name = deployment.contender.name
        lines.append(f"- {name}: `{_shown(deployment.contender.command)}`")
        if deployment.contender.requirements and deployment.environment.exists():
            lines.append(f"  with {_versions(deployment)}")
    return "\n".join(lines)


def _shown(command: str) -> str:
    return command.replace("{env}/bin/", "").replace(f"{ROOT}/", "")


def _versions(deployment: Deployment) -> str:
    found = versions(deployment.environment)
    own = [
        requirement.split("==")[0].split("[")[0]
        for requirement in deployment.contender.requirements
    ]
    names = dict.fromkeys([*own, *SHOWN])
    return ", ".join(f"{name} {found[name]}" for name in names if name in found)


def _title(deployment: Deployment) -> str:
    title = deployment.contender.title
    if "{" not in title or not deployment.environment.exists():
        return re.sub(r" \{.*?\}", "", title)
    return title.format_map(versions(deployment.environment))


def _middle(rounds: list[Round], value: Callable[[Round], float]) -> float:
    return median(value(one) for one in rounds)


def _each(rounds: list[Round], value: Callable[..., float], form: str) -> str:
    return " / ".join(
        f"{median(value(one.loads[index]) for one in rounds):{form}}"
        for index in range(len(CONNECTIONS))
    )
