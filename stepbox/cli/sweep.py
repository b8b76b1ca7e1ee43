"""Start a sweep that a file describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml

from stepbox.cli.output import Output, with_server
from stepbox.client import Client


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_server
def sweep(client: Client, output: Output, file: Path) -> None:
    """Start the sweep that FILE (YAML or JSON) describes: the body of POST /sweeps."""
    try:
        values: Any = yaml.safe_load(file.read_bytes())
    except yaml.YAMLError as error:
        raise click.UsageError(f"{file} is not YAML: {error}") from None
    if not isinstance(values, dict) or not isinstance(values.get("space"), dict):
        raise click.UsageError(f"{file} must have the member space, with the fields to search")
    if not all(isinstance(name, str) for name in values):
        raise click.UsageError(f"{file}: the names of all members must be text")
    record = client.sweeps.start(**values)
    output.result(record.to_json(), record.id)
