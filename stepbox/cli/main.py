"""The command `stepbox`, which loads a group of commands when one of them is used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from stepbox import __version__
from stepbox.cli.exit_codes import FAILED, INTERRUPTED, OK, REFUSED, UNREACHABLE, USAGE

# Where each command is. Its module is imported when it is used, so that all of them start quickly.
COMMANDS = {
    "train": "stepbox.cli.train",
    "sweep": "stepbox.cli.sweep",
    "jobs": "stepbox.cli.jobs",
    "watch": "stepbox.cli.jobs",
    "cancel": "stepbox.cli.jobs",
    "predict": "stepbox.cli.models",
    "models": "stepbox.cli.models",
    "model": "stepbox.cli.models",
    "export": "stepbox.cli.models",
    "data": "stepbox.cli.data",
    "mlflow": "stepbox.cli.mlflow",
    "open": "stepbox.cli.pages",
    "completion": "stepbox.cli.completion",
    "version": "stepbox.cli.pages",
}


class _Commands(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        attribute = {"open": "open_page"}.get(name, name)
        command: click.Command = getattr(import_module(COMMANDS[name]), attribute)
        return command


@click.group("stepbox", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def stepbox() -> None:
    """Train small neural networks on a server, and use them.

    The server is http://127.0.0.1:8000, or that of STEPBOX_URL or --url.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command, and exit: 0 done, 1 failed, 2 usage, 3 unreachable, 4 refused."""
    sys.exit(_status_of(arguments))


def _status_of(arguments: list[str] | None) -> int:
    from stepbox.errors import StepboxError

    try:
        status: Any = stepbox.main(arguments, prog_name="stepbox", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except StepboxError as error:
        click.echo(f"stepbox: {error}", err=True)
        return _exit_code(error)
    except OSError as error:
        click.echo(f"stepbox: {error}", err=True)
        return USAGE
    return status if isinstance(status, int) else OK


def _exit_code(error: Exception) -> int:
    from stepbox.client.errors import ProblemError, UnreachableError
    from stepbox.errors import InvalidInputError, NotFoundError

    codes = {
        UnreachableError: UNREACHABLE,
        ProblemError: REFUSED,
        InvalidInputError: USAGE,
        NotFoundError: USAGE,
    }
    return next((code for kind, code in codes.items() if isinstance(error, kind)), FAILED)
