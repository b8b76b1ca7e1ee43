"""The reference of the client and of the command line lists what the code has."""

import inspect
import re

import click
import pytest

from stepbox.cli import main as cli
from stepbox.cli.recipe_options import recipe_options
from stepbox.client import (
    AsyncClient,
    AsyncJob,
    AsyncServedModel,
    AsyncSweep,
    Client,
    Job,
    ServedModel,
    Sweep,
)
from stepbox.client import errors as client_errors
from stepbox.client.downloads import FORMATS
from stepbox.errors import StepboxError
from tests.docs.tables import REFERENCE, codes, rows
from tests.stepbox.client.test_operations import filled, methods

CLIENT, COMMANDS = REFERENCE / "client.md", REFERENCE / "command-line.md"


def signature_of(method):
    """Write a method's parameters without their types."""
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(method).parameters.values()
        if parameter.name != "self"
    ]
    return str(inspect.Signature(parameters))


def test_every_suffix_that_names_a_format_is_documented():
    (row,) = (row for row in rows(CLIENT, "raises") if "suffix" in row[1])
    assert {name for name in codes(row[1]) if name.startswith(".")} == FORMATS


def operation_rows():
    """Return the rows of the tables of operations."""
    with Client() as client:
        found = []
        for name, method in methods(client).items():
            request = filled(method)
            call = f"`{name}{signature_of(method)}`"
            found.append(f"| {call} | `{request.method} {request.template}` |")
        return found


def test_every_operation_is_documented_with_its_arguments():
    documented = [f"| {row[0]} | {row[1]} |" for row in rows(CLIENT, "method")]
    assert documented == operation_rows()


@pytest.mark.parametrize(
    ("kind", "asynchronous"),
    [(Client, AsyncClient), (Job, AsyncJob), (Sweep, AsyncSweep), (ServedModel, AsyncServedModel)],
)
def test_every_member_is_documented_and_both_clients_have_it(kind, asynchronous):
    members = {
        name: member
        for base in kind.__mro__
        for name, member in vars(base).items()
        if not name.startswith("_")
    }
    documented = {
        code.partition("(")[0]: code
        for row in rows(CLIENT, f"`{kind.__name__}`")
        for code in codes(row[0])
    }
    instance = {Client: {"url"}, ServedModel: {"ref"}}.get(kind, {"record"})
    assert documented.keys() == members.keys() | instance
    for name, code in documented.items():
        if "(" in code:
            assert code == f"{name}{signature_of(members[name])}"
            other = getattr(asynchronous, {"close": "aclose"}.get(name, name))
            assert signature_of(other) == signature_of(members[name])


def test_every_error_is_documented():
    documented = {codes(row[0])[0] for row in rows(CLIENT, "error")}
    assert documented == {
        name
        for name, kind in vars(client_errors).items()
        if isinstance(kind, type)
        and issubclass(kind, StepboxError)
        and kind.__module__ == client_errors.__name__
    }
    assert all(name in client_errors.__doc__ for name in documented)


def commands(group=cli.stepbox, before=""):
    """Return all commands by name; those of a group follow its name."""
    context = click.Context(group)
    found = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            found |= commands(command, f"{before}{name} ")
        else:
            found[f"{before}{name}"] = command
    return found


def options_of(command):
    return {
        flag
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for flag in parameter.opts
    }


SHARED = {"--json", "--url", "--token"}


def test_every_command_is_documented_with_its_options():
    fields = options_of(recipe_options(click.Command("none")))
    expected = {
        name: options_of(command) - SHARED - (fields if name == "train" else set())
        for name, command in commands().items()
    }
    documented = {
        re.sub(r" ?\[?[A-Z]{2,}\]?(…)?", "", codes(row[0])[0]).removeprefix("stepbox "): {
            code.partition(" ")[0] for code in codes(row[1])
        }
        for row in rows(COMMANDS, "command")
    }
    assert documented == expected


def test_commands_that_use_a_server_have_the_shared_options():
    for name, command in commands().items():
        if name != "completion":
            assert options_of(command) >= SHARED, name


def test_exit_codes_are_documented():
    documented = {int(row[0]) for row in rows(COMMANDS, "exit code")}
    assert documented == {
        *(cli.OK, cli.FAILED, cli.USAGE, cli.UNREACHABLE, cli.REFUSED, cli.INTERRUPTED)
    }
