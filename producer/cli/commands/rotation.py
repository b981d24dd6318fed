"""`segment-export secrets`: seals API keys anew, so that an old one of SECRET_KEYS can be dropped."""

import click

from producer.cli.calling import Call, calls_api
from producer.cli.examples import ExampleGroup
from producer.cli.printing import say
from producer.cli.tables import details
from producer.client.http import route


@click.group(cls=ExampleGroup)
def secrets() -> None:
    """Look after what seals the API keys of connections."""


@secrets.command(examples=("segment-export secrets rotate",))
@calls_api
async def rotate(call: Call) -> int:
    """Seal every API key anew with the first of SECRET_KEYS; may be repeated.

    Before: put the new key in front of SECRET_KEYS, of the producer and of every worker. After, when this says that
    nothing is unreadable: leave the old one out. The exit code is 1 if a key cannot be read.
    """
    reply = await call.api.ask("POST", route("secrets", "rotate"))
    call.show(reply, details)
    unreadable = reply.document["unreadable"]
    if unreadable:
        say("Give back the SECRET_KEYS that these were sealed with, or enter their keys again.")
    return 1 if unreadable else 0
