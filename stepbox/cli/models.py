"""List models, describe one, and predict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from stepbox.cli.exit_codes import OK, REFUSED
from stepbox.cli.output import Output, with_server
from stepbox.client import Client
from stepbox.client.answers import Card
from stepbox.client.errors import AccessDeniedError, BusyError, MissingError, ProblemError
from stepbox.exporting.names import FORMATS, Format, format_of


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, help="At most so many models.")
@with_server
def models(client: Client, output: Output, limit: int) -> None:
    """List models, newest first."""
    page = client.models.list(limit=limit)
    header = ("MODEL", "RECIPE", "DATA SET", "ACCURACY", "TITLE", "CREATED")
    output.table(page.to_json(), header, (_row(card) for card in page.models))


def _row(card: Card) -> list[str | None]:
    accuracy = f"{card.evaluation.accuracy:.2%}"
    created = card.created_at[:19]
    return [card.id, card.recipe.name, card.dataset.name, accuracy, card.title, created]


@click.command()
@click.argument("ref", default="latest")
@with_server
def model(client: Client, output: Output, ref: str) -> None:
    """Describe the model REF: an id or an alias."""
    card = client.models.get(ref)
    lines = {
        "model": card.id,
        "title": card.title,
        "recipe": card.recipe.name,
        "data set": card.dataset.name,
        "classes": ", ".join(card.classes[:20]) + (", …" if len(card.classes) > 20 else ""),
        "parameters": f"{card.parameters:,}",
        "test accuracy": f"{card.evaluation.accuracy:.2%}",
        "test loss": f"{card.evaluation.loss:.4f}",
        "trained on": card.device,
        "created": card.created_at[:19],
        "job": card.job,
    }
    text = "\n".join(f"{name + ':':15}{value}" for name, value in lines.items() if value)
    output.result(card.to_json(), text)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--model", metavar="REF", default="latest", help="Id or alias of a model.")
@click.option("--invert", type=click.Choice(["auto", "always", "never"]), help="Swap light, dark.")
@click.option("--fit", metavar="TEXT", help="How images are prepared, for example auto or none.")
@with_server
def predict(
    client: Client,
    output: Output,
    files: Sequence[Path],
    model: str,
    invert: str | None,
    fit: str | None,
) -> int:
    """Predict FILES: images, .npy, .npz, CSV or JSON. Prints a line for each sample."""
    code = OK
    for file in files:
        try:
            answer = client.model(model).predict_all(file, invert=invert, fit=fit)
        except (MissingError, AccessDeniedError, BusyError):
            raise  # it is not about this file
        except ProblemError as error:
            output.message(f"stepbox: {file}: {_without_root(error)}")
            code = REFUSED
            continue
        lines = (f"{file}\t{one.label}\t{one.probability:.2%}" for one in answer.predictions)
        output.result({"file": str(file)} | answer.to_json(), "\n".join(lines))
    return code


def _without_root(error: ProblemError) -> str:
    """Describe an error about a file, without the pointer to its whole content."""
    faults = (": ".join(filter(None, fault)) for fault in error.faults)
    return "; ".join(faults) or str(error)


@click.command()
@click.argument("ref")
@click.option("--format", type=click.Choice(FORMATS), help="By default that of the file's suffix.")
@click.option(
    "-o",
    "--output",
    "path",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)
@with_server
def export(client: Client, output: Output, ref: str, format: Format | None, path: Path) -> None:
    """Write the model REF to a file for other programs: .onnx, .npz, or .zip for torch."""
    client.download(path, client.models.export, ref, format=format or format_of(path))
    output.result({"file": str(path)}, str(path))
