"""Compares what files declare with what stands on a server, and plans the changes in the order of their needs; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from producer.api.bodies import ConnectionChange
from producer.api.reading import Body
from producer.files.declared import DeclaredConnection, DeclaredExport
from producer.files.reading import Declared, Faulty, Files, Origin
from wire.activecampaign.hosts import InvalidHost, account_of

UNCOMPARED: Final = frozenset({"api_key", "consent", "confirm_unsubscribe"})
"""What no answer of a server holds."""

Documents = Mapping[str, Mapping[str, Any]]
"""What a server answered of one kind, by name."""


class Action(StrEnum):
    """What happens to an object."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Difference:
    """A place that differs: dotted names, what stands there and what is declared."""

    place: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `kind` is connections or exports, `body` what the API is told, `key` the place of a key to be sent."""

    action: Action
    kind: str
    name: str
    body: dict[str, Any] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    key: Declared[DeclaredConnection] | None = None
    origin: Origin | None = None


def plan(
    files: Files, connections: Documents, exports: Documents, *, prune: bool, send_keys: bool = False
) -> list[Change]:
    """Plan what makes the server as the files say; with `prune`, what their lists lack goes. Faulty.

    `send_keys`: those of connections that are there already are sent as well: whether they are new, nobody can see.
    """
    pruned = files.kinds if prune else frozenset()
    gone = connections.keys() - files.connections.keys() if "connections" in pruned else set()
    usable = (connections.keys() | files.connections.keys()) - gone
    if faults := list(_faults(files, exports, usable)):
        raise Faulty(faults)
    changes = [*_of_connections(files, connections, send_keys=send_keys), *_of_exports(files, exports)]
    if "exports" in pruned:
        changes += [Change(Action.DELETE, "exports", name) for name in sorted(exports.keys() - files.exports.keys())]
    return changes + [Change(Action.DELETE, "connections", name) for name in sorted(gone)]


def exported(connections: Sequence[Mapping[str, Any]], exports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write what stands on a server as a file says it; keys become references that follow from the names."""
    return {
        "connections": [
            {
                **{name: one[name] for name in ("name", "display_name", "host")},
                "api_key": {"env": "ACTIVECAMPAIGN_KEY_" + one["name"].replace("-", "_").upper()},
                "consent": True,
                **{name: one[name] for name in ("allow", "limits")},
            }
            for one in connections
        ],
        "exports": [_as_declared(one, confirmed=False) for one in exports],
    }


def _faults(files: Files, exports: Documents, usable: set[str]) -> Iterator[str]:
    for name, declared in files.exports.items():
        connection = declared.said.connection
        if connection is None and name not in exports:
            yield declared.origin.fault("is needed by a new export", "/connection")
        if connection is not None and connection not in usable:
            yield declared.origin.fault(f"there is no connection {connection}", "/connection")


def _of_connections(files: Files, standing: Documents, *, send_keys: bool) -> Iterator[Change]:
    for name, declared in files.connections.items():
        body = _body(declared.said)
        if name not in standing:
            yield Change(Action.CREATE, "connections", name, body, (), declared, declared.origin)
            continue
        before, after = _body(_as_change(standing[name])), dict(body)
        for side in (before, after):
            side["display_name"] = side["display_name"] or name
            side["host"] = _account(side["host"])
        if (patch := _patch(before, after)) or send_keys:
            host = {"host": body["host"]} if "host" in patch else {}
            key = declared if send_keys or host else None
            found = tuple(_differences(before, after))
            yield Change(Action.CHANGE, "connections", name, patch | host, found, key, declared.origin)


def _of_exports(files: Files, standing: Documents) -> Iterator[Change]:
    for name, declared in files.exports.items():
        after = _body(declared.said)
        if name not in standing:
            body = {member: value for member, value in after.items() if value is not None or member == "brake"}
            yield Change(Action.CREATE, "exports", name, body, origin=declared.origin)
            continue
        before = _body(DeclaredExport.model_validate(_as_declared(standing[name], confirmed=True)))
        if after["budget_minutes"] is None:
            after["budget_minutes"] = before["budget_minutes"]
        if patch := _patch(before, after):
            confirmed = {"confirm_unsubscribe": True} if patch.get("leavers") == "unsubscribe" else {}
            found = tuple(_differences(before, after))
            yield Change(Action.CHANGE, "exports", name, patch | confirmed, found, origin=declared.origin)


def _body(said: Body) -> dict[str, Any]:
    return said.model_dump(mode="json", exclude={"api_key"})


def _as_change(connection: Mapping[str, Any]) -> ConnectionChange:
    return ConnectionChange.model_validate(
        {name: connection[name] for name in ("name", "display_name", "host", "allow", "limits")}
    )


def _as_declared(export: Mapping[str, Any], *, confirmed: bool) -> dict[str, Any]:
    """Return an export as a file says it, with the confirmation where it needs one or is wanted anyway."""
    said: dict[str, Any] = {}
    for name in DeclaredExport.model_fields:
        if name in export:
            said[name] = export[name]
        elif name == "confirm_unsubscribe" and (confirmed or export["leavers"] == "unsubscribe"):
            said[name] = True
    return said


def _account(host: str) -> str:
    """Name the account behind a host, so that two ways to write it are no difference; the API judges the rest."""
    try:
        return account_of(host)
    except InvalidHost:
        return host


def _patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Write the merge patch (RFC 7396) that makes one of the other."""
    patch: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for name, value in after.items():
        was = before.get(name)
        if name in UNCOMPARED or value == was:
            continue
        patch[name] = _patch(was, value) if isinstance(value, dict) and isinstance(was, dict) else value
    return {name: patch[name] for name in sorted(patch) if name not in UNCOMPARED}


def _differences(before: Any, after: Any, place: str = "") -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*after, *before]):
            if name not in UNCOMPARED:
                yield from _differences(before.get(name), after.get(name), f"{place}.{name}".lstrip("."))
    elif before != after:
        yield Difference(place, before, after)
