"""What the sandbox saw, as values ready for JSON and as a page; it reads the world and changes nothing.

It is cheap enough to be asked every second in the middle of a load test: no figure here walks over the contacts.
"""

from html import escape
from typing import Final

from tests.sandbox.account import Contact
from tests.sandbox.switches import as_json
from tests.sandbox.world import World

_PAGE: Final = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>ActiveCampaign sandbox</title>'
    "<style>body{{font:15px/1.5 system-ui;margin:2em auto;max-width:60em}}td,th{{padding:.1em 1em;text-align:left}}</style>"
    "<h1>ActiveCampaign sandbox</h1>{}"
    '<p><a href="/sandbox/state">state</a> <a href="/sandbox/contacts">contacts</a> '
    '<a href="/sandbox/requests">requests</a> <a href="/sandbox/switches">switches</a></p></html>'
)


def totals(world: World) -> dict[str, object]:
    """The figures that a capacity plan asks for; times are unix seconds."""
    journal, importer, account = world.journal, world.importer, world.account
    first, last = (journal.imports[0].time, journal.imports[-1].time) if journal.imports else (None, None)
    elapsed_seconds = last - first if first is not None and last is not None else 0.0
    per_minute = (len(journal.imports) - 1) * 60 / elapsed_seconds if elapsed_seconds else None
    allowance = world.switches.imports_per_minute
    return {
        "requests": journal.counts.total(),
        "imports": len(journal.imports),
        "contacts_accepted": journal.contacts_accepted,
        "contacts_applied": importer.applied,
        "contacts_kept_out": dict(importer.kept_out),
        "batches_open": importer.open_batches,
        "contacts": len(account.contacts),
        "active_contacts": account.active,
        "automations_fired": account.automations_fired,
        "violations": len(journal.violations),
        "impatience": len(journal.impatience),
        "resubscribed": len(account.resubscribed),
        "faults": dict(journal.faults),
        "dropped": dict(account.dropped + journal.dropped_keys),
        "first_import": first,
        "last_import": last,
        "imports_per_minute": per_minute,
        "allowance_used": per_minute / allowance if per_minute and allowance else None,
        "busiest_minute_imports": journal.busiest_minute_imports.most,
        "busiest_second_requests": journal.busiest_second_requests.most,
    }


def state(world: World, now: float) -> dict[str, object]:
    """Everything but people and single requests."""
    journal = world.journal
    return {
        "now": now,
        "totals": totals(world),
        "lists": {str(number): one | {"id": str(number)} for number, one in _lists(world).items()},
        "imports": journal.imports,
        "requests": journal.per_endpoint(),
        "violations": journal.violations,
        "impatience": journal.impatience,
        "batches": [
            {
                "id": batch.id,
                "contacts": batch.size,
                "accepted": batch.accepted,
                "ends": batch.ends,
                "state": batch.state(now),
                "loss": batch.loss,
                "failed": len(batch.failure),
            }
            for batch in world.importer.batches.values()
        ],
        "resubscribed": [{"email": email, "list": str(number)} for email, number in world.account.resubscribed],
        "switches": as_json(world.switches),
    }


def person(world: World, contact: Contact) -> dict[str, object]:
    """One contact as the account holds it."""
    return {
        "id": str(contact.id),
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "phone": contact.phone,
        "fields": {str(number): value for number, value in contact.fields.items()},
        "tags": contact.tags,
        "lists": {str(on.id): status.name.lower() for on, status in world.account.memberships(contact)},
        "automations_fired": contact.automations_fired,
        "times_imported": contact.times_imported,
    }


def page(world: World) -> str:
    """The totals, lists and answers for a person's eyes."""
    answers = {
        endpoint: ", ".join(f"{count} x {status}" for status, count in statuses.items())
        for endpoint, statuses in world.journal.per_endpoint().items()
    }
    lists = {f"{number} {one['name']}": f"{one['subscribed']} subscribed" for number, one in _lists(world).items()}
    return _PAGE.format(_table("Totals", totals(world)) + _table("Lists", lists) + _table("Answers", answers))


def _lists(world: World) -> dict[int, dict[str, object]]:
    return {
        one.id: {
            "name": one.name,
            "subscribed": one.subscribed,
            "unsubscribed": len(one.statuses) - one.subscribed,
        }
        for one in world.account.lists.values()
    }


def _table(title: str, rows: dict[str, object] | dict[str, str]) -> str:
    cells = "".join(f"<tr><th>{escape(str(name))}<td>{escape(str(value))}" for name, value in rows.items())
    return f"<h2>{title}</h2><table>{cells}</table>"
