"""Compares what files declare with what stands on a server, and plans the changes in the order of their needs; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from producer.cli.files.load import Faulty, Files, Origin
from producer.cli.files.schema import DeclaredExport, DeclaredNotification, KeyReference
from producer.services.bodies import Body
from producer.services.requests import ConnectionChange
from wire.http.hosts import InvalidHost, account_of

UNCOMPARED: Final = frozenset({"api_key", "secret", "consent", "confirm_unsubscribe"})
"""What no answer of a server holds."""

OFF_BY_NULL: Final = frozenset({"brake", "leavers_guard"})
"""Members of an export that null turns off; elsewhere null is what is not said."""

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
class PlannedChange:
    """One change: `body` is what the API is told; `key` is where a secret that is sent stands, as the field `key_name`."""

    action: Action
    kind: str
    name: str
    body: dict[str, Any] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    key: KeyReference | None = None
    origin: Origin | None = None

    @property
    def key_name(self) -> str:
        """What the API calls the secret of this kind."""
        return "secret" if self.kind == "notifications" else "api_key"


def plan(
    files: Files,
    connections: Documents,
    exports: Documents,
    notifications: Documents | None = None,
    *,
    prune: bool,
    send_keys: bool = False,
) -> list[PlannedChange]:
    """Plan what makes the server as the files say; with `prune`, what their lists lack goes. Faulty.

    `send_keys`: those of what is there already are sent as well: whether they are new, nobody can see. `notifications` may be
    left out where no file has any.
    """
    pruned = files.kinds if prune else frozenset()
    gone = connections.keys() - files.connections.keys() if "connections" in pruned else set()
    usable = (connections.keys() | files.connections.keys()) - gone
    stays = files.exports.keys() | (set() if "exports" in pruned else exports.keys())
    if faults := [*_faults(files, exports, usable), *_faults_of_notifications(files, stays)]:
        raise Faulty(faults)
    standing = notifications or {}
    changes = [*_of_connections(files, connections, send_keys=send_keys), *_of_exports(files, exports)]
    changes += _of_notifications(files, standing, send_keys=send_keys)
    if "notifications" in pruned:
        lacking = sorted(standing.keys() - files.notifications.keys())
        changes += [PlannedChange(Action.DELETE, "notifications", name) for name in lacking]
    if "exports" in pruned:
        changes += [
            PlannedChange(Action.DELETE, "exports", name) for name in sorted(exports.keys() - files.exports.keys())
        ]
    return changes + [PlannedChange(Action.DELETE, "connections", name) for name in sorted(gone)]


def exported(
    connections: Sequence[Mapping[str, Any]],
    exports: Sequence[Mapping[str, Any]],
    notifications: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Write what stands on a server as a file says it; keys become references that follow from the names."""
    return {
        "connections": [
            {
                **{name: one[name] for name in ("name", "display_name", "host")},
                "api_key": {"env": _variable("ACTIVECAMPAIGN_KEY", one["name"])},
                "consent": True,
                **{name: one[name] for name in ("allow", "limits")},
                **({"account": account} if (account := _account_set(one)) else {}),
            }
            for one in connections
        ],
        "exports": [_as_declared(one, confirmed=False) for one in exports],
        "notifications": [_as_channel(one) for one in notifications],
    }


def _faults(files: Files, exports: Documents, usable: set[str]) -> Iterator[str]:
    for name, declared in files.exports.items():
        connection = declared.said.connection
        if connection is None and name not in exports:
            yield declared.origin.fault("is needed by a new export", "/connection")
        if connection is not None and connection not in usable:
            yield declared.origin.fault(f"there is no connection {connection}", "/connection")


def _faults_of_notifications(files: Files, exports: set[str]) -> Iterator[str]:
    for declared in files.notifications.values():
        for number, name in enumerate(declared.said.exports or ()):
            if name not in exports:
                yield declared.origin.fault(f"there is no export {name}", f"/exports/{number}")


def _of_connections(files: Files, standing: Documents, *, send_keys: bool) -> Iterator[PlannedChange]:
    for name, declared in files.connections.items():
        body = _body(declared.said)
        if name not in standing:
            body = {member: value for member, value in body.items() if member != "account" or value}
            yield PlannedChange(Action.CREATE, "connections", name, body, (), declared.said.api_key, declared.origin)
            continue
        before, after = _body(_as_change(standing[name])), dict(body)
        for side in (before, after):
            side["display_name"] = side["display_name"] or name
            side["host"] = _account(side["host"])
            side["account"] = side["account"] or None
        if (patch := _patch(before, after)) or send_keys:
            host = {"host": body["host"]} if "host" in patch else {}
            key = declared.said.api_key if send_keys or host else None
            found = tuple(_differences(before, after))
            yield PlannedChange(Action.CHANGE, "connections", name, patch | host, found, key, declared.origin)


def _of_exports(files: Files, standing: Documents) -> Iterator[PlannedChange]:
    for name, declared in files.exports.items():
        after = _body(declared.said)
        if name not in standing:
            body = {member: value for member, value in after.items() if value is not None or member in OFF_BY_NULL}
            yield PlannedChange(Action.CREATE, "exports", name, body, origin=declared.origin)
            continue
        before = _body(DeclaredExport.model_validate(_as_declared(standing[name], confirmed=True)))
        if after["budget_minutes"] is None:
            after["budget_minutes"] = before["budget_minutes"]
        if patch := _patch(before, after):
            is_asked = patch.get("leavers") == "unsubscribe" or patch.get("leavers_confirm") == "at_once"
            confirmed = {"confirm_unsubscribe": True} if is_asked and after["leavers"] == "unsubscribe" else {}
            found = tuple(_differences(before, after))
            yield PlannedChange(Action.CHANGE, "exports", name, patch | confirmed, found, origin=declared.origin)


def _of_notifications(files: Files, standing: Documents, *, send_keys: bool) -> Iterator[PlannedChange]:
    for name, declared in files.notifications.items():
        said, origin = declared.said, declared.origin
        body = {member: value for member, value in _body(said).items() if value is not None}
        if name not in standing:
            yield PlannedChange(Action.CREATE, "notifications", name, body, (), said.secret, origin)
            continue
        before, after = (_alike(_body(one)) for one in (_channel(standing[name]), said))
        key = said.secret if send_keys else None
        if (patch := _patch(before, after)) or key is not None:
            yield PlannedChange(
                Action.CHANGE, "notifications", name, patch, tuple(_differences(before, after)), key, origin
            )


def _channel(standing: Mapping[str, Any]) -> DeclaredNotification:
    return DeclaredNotification.model_validate(_as_channel(standing))


def _as_channel(channel: Mapping[str, Any]) -> dict[str, Any]:
    """Return a channel as a file says it: what is not of its kind is left out."""
    of_kind = ("url",) if channel["kind"] == "webhook" else ("addresses",)
    said = {name: channel[name] for name in ("name", "kind", *of_kind, "events", "exports", "enabled")}
    if channel["kind"] == "webhook":
        said["secret"] = {"env": _variable("NOTIFICATION_SECRET", channel["name"])}
    return said


def _alike(body: dict[str, Any]) -> dict[str, Any]:
    """Write two ways to say the same in one: the host's letter case, and the order of names."""
    url, exports = body["url"], body["exports"]
    if url is not None:
        parts = urlsplit(url)
        url = parts._replace(netloc=parts.netloc.lower().removesuffix(":443")).geturl()
    events = sorted(body["events"])
    return body | {"url": url, "exports": None if exports is None else sorted(exports), "events": events}


def _variable(prefix: str, name: str) -> str:
    return f"{prefix}_{name.replace('-', '_').upper()}"


def _body(said: Body) -> dict[str, Any]:
    return said.model_dump(mode="json", exclude={"api_key", "secret"})


def _as_change(connection: Mapping[str, Any]) -> ConnectionChange:
    said = {name: connection[name] for name in ("name", "display_name", "host", "allow", "limits")}
    return ConnectionChange.model_validate(said | {"account": _account_set(connection)})


def _account_set(connection: Mapping[str, Any]) -> str | None:
    """Say which account a person set for a connection; None where it is found out, as an older server does not say."""
    return connection["account"] if connection.get("account_known_by") == "override" else None


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
