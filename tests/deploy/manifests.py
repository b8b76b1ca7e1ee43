"""The manifests in deploy/kubernetes, as Kustomize renders them."""

import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from tests.processes import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = sorted(path.name for path in (FOLDER / "overlays").iterdir())

Object = dict[str, Any]


@cache
def render(overlay: str) -> list[Object]:
    """Return the objects of an overlay."""
    command = ["kubectl", "kustomize", str(FOLDER / "overlays" / overlay)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return list(yaml.safe_load_all(text))


def of_kind(objects: list[Object], *kinds: str) -> dict[str, Object]:
    """Return the objects of these kinds by their names."""
    return {found["metadata"]["name"]: found for found in objects if found["kind"] in kinds}


def workloads(objects: list[Object]) -> dict[str, Object]:
    """Return the objects that start pods, by their names."""
    return of_kind(objects, "Deployment", "StatefulSet")


def pod(workload: Object) -> Object:
    """Return the specification of a workload's pods."""
    return workload["spec"]["template"]["spec"]


def container(workload: Object) -> Object:
    """Return the only container of a workload's pods."""
    (only,) = pod(workload)["containers"]
    assert "initContainers" not in pod(workload)
    return only


def labels(workload: Object) -> dict[str, str]:
    """Return the labels of a workload's pods."""
    return workload["spec"]["template"]["metadata"]["labels"]


def environment(objects: list[Object], workload: Object) -> dict[str, str]:
    """Return the environment variables of a container, without those from secrets."""
    maps = of_kind(objects, "ConfigMap")
    found: dict[str, str] = {}
    for source in container(workload).get("envFrom", []):
        if "configMapRef" in source:
            found |= maps[source["configMapRef"]["name"]]["data"]
    return found | {entry["name"]: entry["value"] for entry in container(workload).get("env", [])}


def probes(workload: Object) -> Iterator[Object]:
    """Yield the probes of a container."""
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if name in container(workload):
            yield container(workload)[name]


def selects(selector: Object, wanted: dict[str, str]) -> bool:
    """Tell whether a label selector matches these labels."""
    for term in selector.get("matchExpressions", []):
        assert term["operator"] == "In", term
        if wanted.get(term["key"]) not in term["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= wanted.items()
