"""Asks a server what stands there, tells it the changes one after the other, and says what was done if it stops."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click

from producer.cli.calling import Call
from producer.cli.files.load import Faulty
from producer.cli.files.plan import Action, PlannedChange
from producer.cli.secret_files import one_word, read_secret
from producer.cli.sentences import next_step
from producer.cli.tables import cell, printable
from producer.client.errors import ApiError, NotTheApi, RequestRefused
from producer.client.http import Api, route
from wire.store import codec

PAGE: Final = "200"
REHEARSED_AT_ONCE: Final = 200
SIGNS: Final = {Action.CREATE: "+", Action.CHANGE: "~", Action.DELETE: "-"}
DONE: Final = {Action.CREATE: "created", Action.CHANGE: "changed", Action.DELETE: "deleted"}


class ApplyStopped(click.ClickException):
    """The server said no, or nothing, in the middle; what was done before stays."""


async def standing(api: Api, kind: str) -> list[dict[str, Any]]:
    """Read all objects of a kind; ApiError."""
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        query = {"limit": PAGE, "after": after} if after else {"limit": PAGE}
        document = (await api.ask("GET", route(kind), query=query)).document
        try:
            items += document["items"]
            after = document["next"] or ""
        except (KeyError, TypeError):
            raise NotTheApi("The answer is no list that this version of segment-export can read.") from None
        if not after:
            return items


def keys(changes: Sequence[PlannedChange]) -> dict[tuple[str, str], str]:
    """Read the secrets that these changes send, by kind and name of whose they are; Faulty names each that is missing."""
    found, faults = dict[tuple[str, str], str](), list[str]()
    for change in changes:
        if change.key is None or change.origin is None:
            continue
        reference, origin = change.key, change.origin
        try:
            if reference.env:
                found[change.kind, change.name] = one_word(
                    os.environ.get(reference.env, ""), f"the variable {reference.env}"
                )
            else:
                found[change.kind, change.name] = read_secret(str(reference.inside(origin.folder)), "the file")
        except click.UsageError as error:
            faults.append(origin.fault(error.message, f"/{change.key_name}"))
    if faults:
        raise Faulty(faults)
    return found


async def rehearse(call: Call, changes: Sequence[PlannedChange], secrets: Mapping[tuple[str, str], str]) -> None:
    """Ask whether all changes would be made; Faulty names each fault of each that would not, by file and line."""
    parts = list(_parts(changes))
    for part in parts:
        said = [{"action": one.action, "kind": one.kind, "name": one.name, "body": _body(one, secrets)} for one in part]
        reply = await call.api.ask("POST", route("rehearsals"), body={"changes": said})
        try:
            faults = [fault for one in reply.document["refused"] for fault in _refused(part[one["change"]], one)]
        except (KeyError, TypeError, IndexError):
            raise NotTheApi("The answer is no rehearsal that this version of segment-export can read.") from None
        if faults:
            raise Faulty(faults)


async def perform(call: Call, changes: Sequence[PlannedChange], secrets: Mapping[tuple[str, str], str]) -> None:
    """Make the changes one after the other; Stopped."""
    for number, change in enumerate(changes):
        try:
            await _ask(call.api, change, secrets)
        except ApiError as error:
            if call.for_programs:
                call.echo(as_json(changes, done=number))
            raise ApplyStopped("\n".join(_told(error, changes, number))) from None
        if not call.for_programs:
            click.echo(f"{DONE[change.action]} {named(change)}")
    if call.for_programs:
        call.echo(as_json(changes, done=len(changes)))


def show(call: Call, changes: Sequence[PlannedChange]) -> None:
    """Print what differs; nothing, if nothing does."""
    if call.for_programs:
        call.echo(as_json(changes, done=0))
        return
    for change in changes:
        click.echo(f"{SIGNS[change.action]} {named(change)}")
        for one in change.differences:
            click.echo(f"    {printable(one.place)}: {cell(one.before)} -> {cell(one.after)}")
        if change.action is Action.CHANGE and change.key is not None:
            click.echo(f"    {change.key_name}: sent again")


def as_json(changes: Sequence[PlannedChange], *, done: int) -> bytes:
    """Write changes for programs, the first ones as done; no key is among them."""
    told = [
        {
            "action": change.action,
            "kind": change.kind,
            "name": change.name,
            "differences": [{"at": one.place, "before": one.before, "after": one.after} for one in change.differences],
            "done": number < done,
        }
        for number, change in enumerate(changes)
    ]
    return codec.encode({"changes": told})


def named(change: PlannedChange) -> str:
    """Call the object of a change by kind and name."""
    return f"{change.kind.removesuffix('s')} {printable(change.name)}"


def _parts(changes: Sequence[PlannedChange]) -> Iterator[list[PlannedChange]]:
    """Cut many changes into parts, each behind what it may need: connections, and the exports that its channels name."""
    made = [one for one in changes if one.action is not Action.DELETE]
    head = [one for one in made if one.kind == "connections"]
    rest = [one for one in changes if one not in head]
    for at in range(0, max(1, len(rest)), REHEARSED_AT_ONCE):
        part = rest[at : at + REHEARSED_AT_ONCE]
        told_of = {name for one in part if one.kind == "notifications" for name in one.body.get("exports") or ()}
        needed = [one for one in made if one.kind == "exports" and one.name in told_of and one not in part]
        if behind := [*head, *needed, *part]:
            yield behind


def _refused(change: PlannedChange, said: Mapping[str, Any]) -> list[str]:
    faults = [(str(one["detail"]), str(one["pointer"])) for one in said["errors"]] or [(str(said["detail"]), "")]
    if change.origin is None:
        return [f"{change.action} {named(change)}: {detail}" for detail, _ in faults]
    return [change.origin.fault(detail, pointer) for detail, pointer in faults]


def _body(change: PlannedChange, secrets: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    return change.body | ({change.key_name: secrets[change.kind, change.name]} if change.key is not None else {})


async def _ask(api: Api, change: PlannedChange, secrets: Mapping[tuple[str, str], str]) -> None:
    match change.action:
        case Action.CREATE:
            await api.ask("POST", route(change.kind), body=_body(change, secrets))
        case Action.CHANGE:
            await api.ask("PATCH", route(change.kind, change.name), body=_body(change, secrets))
        case Action.DELETE:
            await api.ask("DELETE", route(change.kind, change.name))


def _told(error: ApiError, changes: Sequence[PlannedChange], number: int) -> list[str]:
    """Say why it stopped, what is done, what may be, and what is not."""
    change = changes[number]
    said = [printable(error.detail if isinstance(error, RequestRefused) else str(error))]
    if isinstance(error, RequestRefused) and change.origin is not None:
        faults = [change.origin.fault(fault.detail, fault.pointer) for fault in error.faults]
        said += [f"  {printable(fault)}" for fault in faults or [change.origin.fault("was refused")]]
    word = "refused" if isinstance(error, RequestRefused) else "unknown whether done"
    said += [f"{DONE[one.action]}: {named(one)}" for one in changes[:number]]
    said += [f"{word}: {change.action} {named(change)}"]
    said += [f"not done: {one.action} {named(one)}" for one in changes[number + 1 :]]
    again = "Then apply the same files again: what is done already is no difference any more."
    return [*said, next_step(error), again]
