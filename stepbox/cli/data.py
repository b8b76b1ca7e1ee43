"""List, upload and delete data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stepbox.cli.output import Output, with_server
from stepbox.cli.watching import watch_job
from stepbox.client import Client


@click.group()
def data() -> None:
    """List, upload and delete data sets."""


@data.command("list")
@with_server
def list_datasets(client: Client, output: Output) -> None:
    """List data sets."""
    found = client.datasets.list()
    header = ("DATA SET", "NAME", "KIND", "SHAPE", "CLASSES", "TRAIN", "TEST")
    rows = (
        (
            entry.id,
            entry.name,
            entry.kind,
            "×".join(map(str, entry.shape)),
            len(entry.classes),
            entry.train.samples,
            entry.test.samples,
        )
        for entry in found.datasets
    )
    output.table(found.to_json(), header, rows)


@data.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", metavar="TEXT", help="Name of the data set. By default, that of the file.")
@click.option("--test", type=float, help="Share of the samples to hold out, if there is no split.")
@click.option("--seed", type=int, help="Seed of this split.")
@click.option("--size", type=int, help="Height and width of the images.")
@click.option("--color", type=click.Choice(["grey", "rgb"]), help="Colors of the images.")
@click.option("--label", metavar="TEXT", help="Column that has the labels.")
@click.option("--watch", is_flag=True, help="Follow the import until it has ended.")
@with_server
def upload(
    client: Client, output: Output, file: Path, name: str | None, watch: bool, **options: Any
) -> None:
    """Upload FILE: a zip or tar of images by class, CSV, .npz or Parquet. A job imports it."""
    name = name or file.name.partition(".")[0].lower()
    job = client.upload(file, name=name, progress=not output.as_json, **options)
    if not (watch and output.as_json):
        output.result(job.record.to_json(), job.id)
    if watch:
        watch_job(job, output)


@data.command()
@click.argument("dataset")
@click.option("--force", is_flag=True, help="Also if jobs or models refer to it.")
@with_server
def delete(client: Client, output: Output, dataset: str, force: bool) -> None:
    """Delete DATASET, by its id: several may have the same name."""
    client.datasets.delete(dataset, force=force)
    output.result({"deleted": dataset}, f"deleted {dataset}")
