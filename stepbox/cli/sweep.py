"""Start a sweep that a file describes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import yaml

from stepbox.cli.output import Output, with_server
from stepbox.cli.watching import watch_job
from stepbox.client import Client


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads the scalars that JSON has: ``1e-4`` is a number, and a date is text.

    In YAML 1.1, it is the other way round. A member that occurs twice is an error.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the members of an object."""
        names = set()
        for name in (one for one, _ in node.value if isinstance(one, yaml.ScalarNode)):
            if name.value in names:
                raise yaml.MarkedYAMLError(
                    problem=f"{name.value} occurs twice", problem_mark=name.start_mark
                )
            names.add(name.value)
        members: dict[Any, Any] = super().construct_mapping(node, deep)
        return members


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$"),
    [*"-+.0123456789"],
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--watch", is_flag=True, help="Follow the sweep until it has ended.")
@with_server
def sweep(client: Client, output: Output, file: Path, watch: bool) -> None:
    """Start the sweep that FILE (YAML or JSON) describes: the body of POST /sweeps."""
    started = client.sweep(**_read(file))
    if not (watch and output.as_json):
        output.result(started.record.to_json(), started.id)
    if watch:
        watch_job(started, output)


def _read(file: Path) -> dict[str, Any]:
    """Read the members of the body."""
    content = file.read_bytes()
    try:
        values: Any = json.loads(content, object_pairs_hook=_members)
    except ValueError:
        try:
            values = yaml.load(content, _Loader)
        except (yaml.YAMLError, ValueError) as error:
            raise click.UsageError(f"{file} cannot be read as JSON or YAML: {error}") from None
    if not isinstance(values, dict) or not isinstance(values.get("space"), dict):
        raise click.UsageError(f"{file} must have the member space, with the fields to search")
    if not all(isinstance(name, str) for name in values):
        raise click.UsageError(f"{file}: the names of all members must be text")
    try:
        json.dumps(values)
    except (TypeError, ValueError) as error:  # for example a set
        raise click.UsageError(f"{file} must have values of JSON only: {error}") from None
    return values


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of a JSON object, if no name occurs twice."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member occurs twice")  # where, says the reader of YAML
    return members
