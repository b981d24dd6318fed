"""`segment-export completion`: prints what a shell needs to complete our commands; click wrote it."""

from typing import Final

import click
from click.shell_completion import get_completion_class

from producer.cli.examples import ExampleCommand

PROGRAM: Final = "segment-export"
VARIABLE: Final = "_SEGMENT_EXPORT_COMPLETE"
"""Click looks for this one when a program of that name starts."""


@click.command(
    cls=ExampleCommand,
    examples=(
        "segment-export completion bash >> ~/.bashrc",
        "segment-export completion zsh >> ~/.zshrc",
        "segment-export completion fish > ~/.config/fish/completions/segment-export.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands and options in a SHELL."""
    complete = get_completion_class(shell)
    if complete is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    context = click.get_current_context()
    click.echo(complete(context.find_root().command, {}, PROGRAM, VARIABLE).source())
