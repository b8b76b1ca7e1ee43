"""Open pages in the browser, and print versions."""

from __future__ import annotations

import re
import webbrowser
from urllib.parse import quote

import click

from stepbox import __version__
from stepbox.cli.output import Output, with_server
from stepbox.client import Client


@click.command("open")
@click.argument("thing", required=False)
@with_server
def open_page(client: Client, output: Output, thing: str | None) -> None:
    """Open the page of THING (job, sweep or model) in the browser; without it, the first page."""
    path = ""
    if thing is not None:
        if re.fullmatch("[0-9a-f]{16}", thing):
            kind = "sweeps" if client.jobs.get(thing).kind == "sweep" else "jobs"
        else:
            kind = "models"
            client.models.get(thing)  # raises an error if there is none
        path = f"ui/{kind}/{quote(thing, safe='')}"
    url = f"{client.url}/{path}"
    output.result({"url": url}, url)
    if not output.as_json:
        webbrowser.open(url)  # says nothing where there is no browser


@click.command()
@with_server
def version(client: Client, output: Output) -> None:
    """Print the version of this command, and that of the server if there is one."""
    from stepbox.client.errors import ClientError

    try:
        server = client.system.get().versions["stepbox"]
    except ClientError as error:
        output.message(f"stepbox: the version of the server is unknown: {error}")
        server = None
    values = {"stepbox": __version__, "server": server}
    output.result(values, __version__ + (f" (server {server})" if server else ""))
