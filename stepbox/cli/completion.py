"""Print what lets a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion for SHELL, for example: eval "$(stepbox completion bash)"."""
    kind = get_completion_class(shell)
    assert kind is not None  # Click has all three
    root = context.find_root()
    click.echo(kind(root.command, {}, "stepbox", "_STEPBOX_COMPLETE").source())
