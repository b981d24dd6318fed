"""`segment-export contacts`: answers for one person, and forgets them."""

import sys

import click

from producer.cli.calling import Call, calls_api
from producer.cli.examples import ExampleGroup
from producer.cli.printing import say
from producer.cli.tables import details, explanation
from producer.client.http import route


@click.group(cls=ExampleGroup)
def contacts() -> None:
    """Answer for one person."""


@contacts.command(
    examples=(
        "segment-export contacts explain ann@example.org",
        "segment-export contacts explain ann@example.org --ask",
    )
)
@click.argument("address")
@click.option("--ask", is_flag=True, help="Ask ActiveCampaign, too, whether it has the contact.")
@calls_api
async def explain(call: Call, *, address: str, ask: bool) -> int:
    """Say where a person stands with every export, and why; from the record."""
    call.show(
        await call.api.ask("POST", route("contacts", "explain"), body={"email": address, "ask": ask}), explanation
    )
    return 0


@contacts.command(
    examples=(
        "segment-export contacts forget ann@example.org",
        "segment-export contacts forget ann@example.org --delete-at-activecampaign --yes",
    )
)
@click.argument("address")
@click.option("--delete-at-activecampaign", is_flag=True, help="Delete the contact at every connected account, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@calls_api
async def forget(call: Call, *, address: str, delete_at_activecampaign: bool, yes: bool) -> int:
    """Erase a person everywhere, never send them again, and print a receipt. It cannot be undone.

    The exit code is 1 while a chunk under way still has them, which is erased when that has ended, and where an account
    did not delete its contact: say it again then.
    """
    if not yes and sys.stdin.isatty():
        click.confirm(f"Forget {address}? This cannot be undone.", abort=True, err=True)
    body = {"email": address, "delete_at_activecampaign": delete_at_activecampaign}
    reply = await call.api.ask("POST", route("contacts", "forget"), body=body)
    call.show(reply, details)
    failed = [one["connection"] for one in reply.document["activecampaign"] if one["fate"] == "not_deleted"]
    if reply.document["state"] == "erasing":
        say("Something under way still has them; it is erased by itself when that has ended.")
    if failed:
        say(f"Not deleted at {', '.join(failed)}: say it again when the account answers.")
    return 1 if failed or reply.document["state"] == "erasing" else 0
