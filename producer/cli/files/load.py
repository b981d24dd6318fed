"""Reads files into what they declare, and finds every fault of all of them at once, each with file and line."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pydantic import ValidationError

from producer.cli.files import yaml_text
from producer.cli.files.schema import DeclaredConnection, DeclaredExport, DeclaredFile, DeclaredNotification
from producer.cli.files.yaml_text import Steps, Written
from producer.services.bodies import Body, faults_of

T = TypeVar("T", bound=Body)

KINDS: Final[Mapping[str, type[Body]]] = {
    "connections": DeclaredConnection,
    "exports": DeclaredExport,
    "notifications": DeclaredNotification,
}
LISTS: Final = frozenset({"tags", "addresses", "events", "exports"})
"""What is a list inside of an object."""

TEXT_WANTED: Final = "should be a valid string"


class Faulty(Exception):
    """Files cannot be taken as they are; `faults` are lines for people."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object was written: file and place in it."""

    file: str
    written: Written
    steps: Steps

    @property
    def folder(self) -> Path:
        """What paths in this file start from."""
        return Path(self.file).parent

    def fault(self, detail: str, pointer: str = "") -> str:
        """Say what is wrong, with file and line; `pointer` is a JSON pointer into the object."""
        steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
        line = self.written.line((*self.steps, *_numbered(steps)))
        return f"{self.file}:{line}: {'.'.join(steps)}{' ' if steps else ''}{detail}"


@dataclass(frozen=True, slots=True)
class Declared(Generic[T]):
    """One object of a file."""

    said: T
    origin: Origin


@dataclass(frozen=True, slots=True)
class Files:
    """What all files declare, by name; `kinds` are the lists that stood in one of them."""

    connections: dict[str, Declared[DeclaredConnection]] = field(default_factory=dict)
    exports: dict[str, Declared[DeclaredExport]] = field(default_factory=dict)
    notifications: dict[str, Declared[DeclaredNotification]] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset()


def read(texts: Mapping[str, str]) -> Files:
    """Read the text of each file; Faulty."""
    faults: list[str] = []
    kinds: set[str] = set()
    made: dict[str, dict[str, Declared[Any]]] = {kind: {} for kind in KINDS}
    for file, text in texts.items():
        for written in yaml_text.read(text):
            faults += [f"{file}:{line}: {detail}" for line, detail in written.faults]
            faults += _outer_faults(Origin(file, written, ()))
            for kind, origin, value in _objects(file, written):
                kinds.add(kind)
                if value is not None:
                    faults += _taken_in(made[kind], origin, value, KINDS[kind])
    if faults:
        raise Faulty(dict.fromkeys(faults))
    return Files(made["connections"], made["exports"], made["notifications"], frozenset(kinds))


def _outer_faults(whole: Origin) -> Iterator[str]:
    """Find what is wrong around the objects: they are judged one by one, so that one's faults hide no other's."""
    match whole.written.value:
        case dict() as value:
            around = {name: [] if isinstance(part, list) and name in KINDS else part for name, part in value.items()}
            yield from (whole.fault(detail, pointer) for pointer, detail in _judged(DeclaredFile, around)[1].items())
        case None:
            return
        case _:
            yield whole.fault("must be an object with connections, exports and notifications")


def _objects(file: str, written: Written) -> Iterator[tuple[str, Origin, Any]]:
    """List what stands in the lists; an empty list is told by None."""
    value = written.value if isinstance(written.value, dict) else {}
    for kind in KINDS:
        listed = value.get(kind)
        if isinstance(listed, list):
            yield kind, Origin(file, written, (kind,)), None
            yield from ((kind, Origin(file, written, (kind, index)), one) for index, one in enumerate(listed))


def _taken_in(made: dict[str, Declared[Any]], origin: Origin, value: Any, model: type[Body]) -> Iterator[str]:
    said, faults = _judged(model, value)
    yield from (origin.fault(detail, pointer) for pointer, detail in faults.items())
    name = value.get("name") if isinstance(value, dict) else None
    if isinstance(name, str) and name in made:
        first = made[name].origin
        line = first.written.line(first.steps)
        yield origin.fault(f"{name} is declared already, at {first.file}:{line}", "/name")
    elif isinstance(name, str):
        made[name] = Declared(said, origin)


def _judged(model: type[T], value: Any) -> tuple[T | None, dict[str, str]]:
    try:
        return model.model_validate(value), {}
    except ValidationError as error:
        hint = ": write it in quotes"
        return None, {at: detail + hint if detail == TEXT_WANTED else detail for at, detail in faults_of(error).items()}


def _numbered(steps: Iterable[str]) -> Iterator[int | str]:
    """Read the steps into lists inside an object, which are numbered."""
    before = ""
    for step in steps:
        yield int(step) if before in LISTS and step.isdecimal() else step
        before = step
