"""What all commands that use a server share: their options, and how they print."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import update_wrapper
from typing import Any, TypeVar

import click

from stepbox.client import Client

RETRIES = 2  # people wait: an unreachable server is reported after two seconds

F = TypeVar("F", bound=Callable[..., Any])


class Output:
    """Prints results, for people or as JSON. Messages go to stderr.

    Attributes
    ----------
    as_json
        Print JSON: one document per line.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def result(self, values: Any, text: str) -> None:
        """Print a result: its JSON values, or the text for people."""
        click.echo(json.dumps(values, default=str) if self.as_json else text)

    def table(self, values: Any, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Print a result: its JSON values, or a table."""
        lines = [header, *([str("" if cell is None else cell) for cell in row] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
        self.result(values, text)

    def message(self, text: str) -> None:
        """Print a message for people."""
        click.echo(text, err=True)


def json_option(command: F) -> F:
    """Add the option ``--json``, whose value is the argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, one document a line.")(
        command
    )


def with_server(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the server, and pass on a client and an `Output`."""

    def run(url: str | None, token: str | None, as_json: bool, **arguments: Any) -> Any:
        with Client(url, token, retries=RETRIES) as client:
            return command(client, Output(as_json), **arguments)

    update_wrapper(run, command)
    help_token = "Access token. By default that of STEPBOX_TOKEN."
    run = click.option("--token", metavar="TEXT", help=help_token)(run)
    run = click.option("--url", metavar="URL", help="Server. By default that of STEPBOX_URL.")(run)
    return json_option(run)
