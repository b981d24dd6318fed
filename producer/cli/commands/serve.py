"""`segment-export serve`: hands over to the producer."""

import os

import click

from producer.cli.examples import ExampleCommand


@click.command(cls=ExampleCommand, examples=("segment-export serve",))
def serve() -> None:
    """Run the producer: the HTTP API, the reading of snapshots, the metrics.

    Its settings are the variables SEGMENT_EXPORT_...; README.md explains each of them. Where they cannot be used, every
    problem is told in a line of its own, and the exit code is 2.
    """
    from producer.app import serve as run  # noqa: PLC0415  all other commands do without the producer's libraries

    click.get_current_context().exit(run(os.environ))
