"""Train on the server, or in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from pydantic import ValidationError

from stepbox.cli.output import Output, with_server
from stepbox.cli.recipe_options import recipe_names, recipe_options
from stepbox.cli.watching import watch_job
from stepbox.client import Client
from stepbox.training.recipe import Recipe


@recipe_options
@click.command()
@click.argument(
    "recipe", metavar="[RECIPE]", type=click.Choice(recipe_names()), default="mnist-numpy"
)
@click.option("--watch", is_flag=True, help="Follow the job until it has ended.")
@click.option("--local", is_flag=True, help="Train in this process, without a server.")
@click.option(
    "--save",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="With --local: a new folder for the model. By default, its id in this folder.",
)
@with_server
def train(
    client: Client,
    output: Output,
    recipe: str,
    watch: bool,
    local: bool,
    save: Path | None,
    **fields: Any,
) -> None:
    """Train RECIPE (mnist-numpy), with the fields that are given.

    Lists are written as 32,16 or as JSON, and null stands for no value.
    """
    given = {name: value for name, value in fields.items() if _is_given(name)}
    if local:
        _train_here(output, recipe, save, given)
        return
    if save is not None:
        raise click.UsageError("--save needs --local: the server keeps the models that it trains")
    job = client.train(recipe, **given)
    if not (watch and output.as_json):
        output.result(job.record.to_json(), job.id)
    if watch:
        watch_job(job, output)


def _is_given(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def _train_here(output: Output, recipe: str, save: Path | None, fields: dict[str, Any]) -> None:
    import stepbox  # imported here: it loads the engines

    for name in fields.keys() - Recipe.model_fields.keys():
        raise click.UsageError(f"--{name} needs a server: --local has only the recipe's fields")
    if save is not None and save.exists():
        raise click.UsageError(f"--save: {save} exists; name a new folder")
    try:
        model = stepbox.train(recipe, progress=not output.as_json, **fields)
    except ValidationError as error:
        raise click.UsageError("; ".join(map(_fault, error.errors()))) from None
    folder = model.save(save or Path(model.card.id))
    accuracy = model.history[-1].test_accuracy
    values = {"model": model.card.id, "folder": str(folder), "test_accuracy": accuracy}
    output.result(values, f"{folder}: test accuracy {accuracy:.2%}")


def _fault(error: Any) -> str:
    """Describe what is wrong with an option, or with several together."""
    where = "".join(f"--{field.replace('_', '-')}: " for field in error["loc"][:1])
    return f"{where}{error['msg']}"
