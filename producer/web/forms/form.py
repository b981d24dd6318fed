"""A form as a person sees it: what was typed, kept for showing it again, and every fault beside the field that it is of.

What is a fault, the API's models and functions say; a sheet only knows which field of the form it belongs to.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from producer.api.problem_responses import Problem, problem_of, route_of
from producer.intake.open_runs import IntakeError
from producer.registry.store import NameTaken, RegistryError
from producer.services.bodies import Body, checked
from producer.services.errors import Fault, Invalid, ServiceError
from wire.store.results import StoreError
from wire.vault import SecretError

ELSEWHERE: Final = frozenset({403, 404})
"""Problems that are not of the form: there is nothing to be mended in it."""

T = TypeVar("T")
B = TypeVar("B", bound=Body)


@dataclass
class Form:
    """`typed` by field; `faults` by field, those of the whole form under the empty name; `status` to answer with."""

    typed: MultiDictProxy[str]
    faults: dict[str, str] = field(default_factory=dict)
    status: int = 200

    @classmethod
    def of(cls, values: Mapping[str, str] | Iterable[tuple[str, str]]) -> "Form":
        """Make a sheet of what is to stand in it at first."""
        return cls(MultiDictProxy(MultiDict(values)))

    def said(self, name: str) -> str:
        """Return what stands in a field, without blanks around it."""
        return self.typed.get(name, "").strip()

    def with_said(self, name: str, value: str) -> "Form":
        """Return the sheet with another value in a field."""
        typed = MultiDict(self.typed)
        typed[name] = value
        return replace(self, typed=MultiDictProxy(typed))

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return name in self.typed

    def fault(self, name: str, detail: str) -> None:
        """Note a fault; the first of a field stays."""
        self.faults.setdefault(name, detail)
        self.status = max(self.status, 422)

    def note(self, problem: Problem, place: Callable[[Fault], str]) -> None:
        """Note what a problem says of fields, or of the whole form."""
        for each in problem.faults:
            self.fault(place(each), each.detail)
        if not problem.faults:
            self.faults.setdefault("", problem.detail)
            self.status = problem.status

    def made(self, model: type[B], document: Mapping[str, Any], place: Callable[[Fault], str]) -> B | None:
        """Make the model that the API would make of it; None with its faults noted."""
        try:
            return checked(model, document)
        except Invalid as error:
            self.note(problem_of(error), place)
            return None


async def tried(
    request: web.Request, sheet: Form, doing: Awaitable[T], place: Callable[[Fault], str], *, name: str = "name"
) -> T | None:
    """Do what a form asks for; None with the faults noted, if it cannot be done. A taken name is the fault of `name`."""
    try:
        return await doing
    except NameTaken as error:
        sheet.fault(name, str(error))
    except (Problem, ServiceError, RegistryError, IntakeError, StoreError, SecretError) as error:
        problem = problem_of(error, method=request.method, route=route_of(request))
        if problem.status in ELSEWHERE:
            raise
        sheet.note(problem, place)
    return None


def dotted(fault: Fault) -> str:
    """Name the field of a fault by its pointer: `/limits/imports_per_minute` is of `limits.imports_per_minute`."""
    return fault.pointer.removeprefix("/").replace("/", ".")


def number(text: str) -> float | str:
    """Read a number, also with a comma; what is none stays text, so that the model says so."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def whole(text: str) -> int | str:
    """Read a whole number; what is none stays text."""
    return int(text) if text.isascii() and text.isdecimal() else text


def without_blanks(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not filled in, so that it counts as absent."""
    return {name: value for name, value in document.items() if value not in ("", None)}


def as_text(value: object) -> str:
    """Write a value as it is typed."""
    match value:
        case None:
            return ""
        case float():
            return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"  # noqa: PLR2004  from there %g has an exponent
        case _:
            return str(value)


def listed(names: Sequence[str]) -> str:
    """Write names one after the other."""
    return ", ".join(names)
