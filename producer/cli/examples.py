"""Commands whose `--help` ends with examples; there is none without, and a test holds each to what it shows."""

from typing import Any

import click


class ExampleCommand(click.Command):
    """A command that shows how it is called, one example a line."""

    def __init__(self, *args: Any, examples: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click hands it over
        """Write the examples without wrapping them, so that they can be copied."""
        with formatter.section("Example" if len(self.examples) == 1 else "Examples"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class ExampleGroup(click.Group):
    """A group of such commands."""

    command_class = ExampleCommand
    group_class = type
