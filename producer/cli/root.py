"""Puts the commands of `segment-export` together."""

import click

from producer.cli.commands.audit import audit
from producer.cli.commands.completion import completion
from producer.cli.commands.connections import connections
from producer.cli.commands.contacts import contacts
from producer.cli.commands.context import context
from producer.cli.commands.doctor import doctor
from producer.cli.commands.events import events
from producer.cli.commands.exports import exports
from producer.cli.commands.files import apply, diff, get, schema
from producer.cli.commands.notifications import notifications
from producer.cli.commands.publish import publish
from producer.cli.commands.rotation import secrets
from producer.cli.commands.runs import runs
from producer.cli.commands.segments import segments
from producer.cli.commands.serve import serve
from producer.cli.commands.snapshots import snapshots
from producer.cli.commands.tokens import tokens


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="segment-export")
def cli() -> None:
    """Keep ActiveCampaign lists in step with customer segments.

    `serve` runs the producer; every other command asks a running one, at SEGMENT_EXPORT_URL with the token in
    SEGMENT_EXPORT_TOKEN, or at the one that `context use` says.
    """


for command in (
    *(serve, connections, exports, segments, snapshots, events, publish, runs, contacts),
    *(notifications, tokens, secrets, audit, doctor, context, get, diff, apply, schema, completion),
):
    cli.add_command(command)
