"""Puts the commands of `segment-export` together."""

import click

from producer.cli.audit import audit
from producer.cli.completion import completion
from producer.cli.connections import connections
from producer.cli.contacts import contacts
from producer.cli.context import context
from producer.cli.doctor import doctor
from producer.cli.events import events
from producer.cli.exports import exports
from producer.cli.files import apply, diff, get, schema
from producer.cli.notifications import notifications
from producer.cli.publish import publish
from producer.cli.rotation import secrets
from producer.cli.runs import runs
from producer.cli.segments import segments
from producer.cli.serve import serve
from producer.cli.snapshots import snapshots
from producer.cli.tokens import tokens


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
