"""
Reads `model.json` of the Common Data Model, with which Azure Synapse Link and Customer Insights describe CSV without headers.

The URI may name the model (`.../model.json`, or `.../model.json#Customer` where it has several entities), its folder, or the files
of one entity below it. Partitions are found below the model's folder by the end of their location, so that a copy of an export
is read like the export itself. One that is of a moment of its blob (`?snapshot=`) is refused: what is there now may be other rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from producer.snapshots.errors import Missing, OutsideRoots, SourceForbidden, Truncated, Unsupported
from producer.snapshots.file import File
from producer.snapshots.formats.delimited_layouts import Layout
from producer.snapshots.uris import scheme_of

MODEL: Final = "model.json"
MODEL_BYTES_MAX: Final = 64 << 20
MOMENTS: Final = frozenset({"snapshot", "versionid"})
"""Parameters with which a location of Azure names a blob as it was."""

FindModelFiles = Callable[[str], Sequence[File]]
"""Return the files of a place. Raises SnapshotError."""


@dataclass(frozen=True)
class Described:
    """The files of an entity, and how they are read."""

    files: Sequence[File]
    layout: Layout


def split_entity(uri: str) -> tuple[str, str | None]:
    """Take the name of an entity off the URI of a model."""
    place, hash_, entity = uri.rpartition("#")
    return (place, entity or None) if hash_ and place.endswith(f"/{MODEL}") else (uri, None)


def described(files: Sequence[File], entity: str | None, find: FindModelFiles) -> Described | None:
    """Return what a model says of these files, None where none does. Raises SnapshotError."""
    models = [file for file in files if file.name == MODEL and (entity is not None or _is_model(file))]
    if models:
        model, *others = models
        folder = str(model).removesuffix(f"/{MODEL}")
        if others:
            raise Unsupported(f"{model} and {others[0]} are two models; name one of them")
        if loose := [file for file in files if not str(file).startswith(f"{folder}/")]:
            raise Unsupported(f"{loose[0]}: it lies beside the folder of {model}; name the model, or this file")
        below = [file for file in find(folder) if file.name != MODEL]
        return _described(model, _chosen(model, _entities(model), entity), below)
    above = _above(files[0], find)
    if above is None or not _is_model(above):
        return None
    # Files are named and the model is only near: it counts if one of its entities has exactly such files.
    start = len(str(above).removesuffix(MODEL))
    for each in _entities(above):
        locations = [_steps(str(part.get("location", ""))) for part in _partitions(each)]
        held = [any(_ends(str(file)[start:].split("/"), steps) for steps in locations) for file in files]
        if any(held) and not all(held):
            other = files[held.index(False)]
            raise Unsupported(f"{other}: {above} describes files beside it and not this one; name the model")
        if all(held):
            _check_current(above, each)
            return Described(files, _layout(above, each))
    return None


def _above(file: File, find: FindModelFiles) -> File | None:
    """Look for a model in every folder above a file, up to the roots."""
    folder = str(file)
    if scheme_of(folder) in {"http", "https"}:  # nobody else's server is asked for what nobody named
        return None
    while "/" in folder.rpartition("://")[2]:
        folder = folder.rpartition("/")[0]
        try:
            return find(f"{folder}/{MODEL}")[0]
        except (Missing, SourceForbidden):  # a store may say "forbidden" of what is not there
            continue
        except OutsideRoots:
            break
    return None


def _described(model: File, entity: Mapping[str, Any], below: Sequence[File]) -> Described:
    _check_current(model, entity)
    start = len(str(model).removesuffix(MODEL))
    there = {tuple(str(file)[start:].split("/")): file for file in below}
    found = []
    for part in _partitions(entity):
        steps = _steps(str(part.get("location", "")))
        file = next((there[key] for at in range(len(steps)) if (key := tuple(steps[at:])) in there), None)
        if file is None:
            name = f"partition {part.get('name')!r} of the entity {entity.get('name')!r}"
            raise Missing(f"{model}: {name} is not below the model's folder")
        found.append(file)
    if not found:
        raise Missing(f"{model}: the entity {entity.get('name')!r} has no partitions")
    return Described(found, _layout(model, entity))


def _is_model(file: File) -> bool:
    """Whether a file is what its name says: it may as well be NDJSON."""
    try:
        return bool(_entities(file))
    except Truncated:
        return False


def _entities(model: File) -> list[Mapping[str, Any]]:
    with closing(model.open()) as octets:
        text = octets.read(MODEL_BYTES_MAX)
    try:
        entities = orjson.loads(text.removeprefix(b"\xef\xbb\xbf"))["entities"]
        return [entity for entity in entities if "attributes" in entity]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Truncated(model, "no model of the Common Data Model: there are no entities in it") from None


def _chosen(model: File, entities: Iterable[Mapping[str, Any]], name: str | None) -> Mapping[str, Any]:
    named = {str(entity.get("name")): entity for entity in entities}
    if name is None and len(named) == 1:
        return next(iter(named.values()))
    if name not in named:
        there = ", ".join(map(repr, named)) or "none"
        raise Unsupported(
            f"{model}: name one of its entities, like {MODEL}#{next(iter(named), 'Customer')}; there is {there}"
        )
    return named[name]


def _partitions(entity: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(entity.get("partitions") or [])


def _steps(location: str) -> list[str]:
    return unquote(urlsplit(location).path).strip("/").split("/")


def _check_current(model: File, entity: Mapping[str, Any]) -> None:
    """Refuse partitions that are not files as they are now: read as such, nobody would notice that rows differ."""
    for part in _partitions(entity):
        asked = parse_qsl(urlsplit(str(part.get("location", ""))).query, keep_blank_values=True)
        if any(name.lower() in MOMENTS for name, _ in asked):
            name = f"partition {part.get('name')!r} of the entity {entity.get('name')!r}"
            raise Unsupported(f"{model}: {name} is a snapshot of a blob, and only blobs as they are now are read")


def _ends(path: Sequence[str], location: Sequence[str]) -> bool:
    """Whether a file is a partition: a location ends with the whole way from the model to it."""
    return list(location[-len(path) :]) == list(path)


def _layout(model: File, entity: Mapping[str, Any]) -> Layout:
    attributes = [(str(each["name"]), str(each.get("dataType", "string"))) for each in entity["attributes"]]
    settings = [part.get("fileFormatSettings") or {} for part in _partitions(entity)]
    delimiters = {str(each.get("delimiter", ",")) for each in settings}
    headers = {str(each.get("columnHeaders", False)).lower() == "true" for each in settings}
    encodings = {str(each.get("encoding", "UTF-8")).upper() for each in settings}
    if len(delimiters) > 1 or len(headers) > 1 or not encodings <= {"UTF-8"}:
        raise Unsupported(f"{model}: its partitions are written in different ways, or not in UTF-8")
    if not all(len(each) == 1 and each.isascii() and each not in '"\r\n' for each in delimiters):
        raise Unsupported(f"{model}: cells are parted by {next(iter(delimiters))!r}; one character is wanted")
    return Layout(
        tuple(name for name, _ in attributes),
        dict(attributes),
        next(iter(delimiters), ","),
        header_rows=int(next(iter(headers), False)),
    )
