"""The door to YAML: reads documents and remembers in which line everything stands, and writes what reads the same.

Names are text, as in JSON: `7: Tier` is a member called "7". Aliases are refused, since a few lines of them can mean millions.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from producer.input_checks import DEPTH_MAX

Steps = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A document as it was written: its value, the line of each place in it, and what is wrong with it, by line."""

    value: Any
    lines: dict[Steps, int]
    faults: list[tuple[int, str]] = field(default_factory=list)

    def line(self, steps: Steps) -> int:
        """Say in which line a place is, or else the place that it is missing from."""
        while steps not in self.lines and steps:
            steps = steps[:-1]
        return self.lines.get(steps, 1)


def read(text: str) -> list[Written]:
    """Read all documents; where a text is no YAML, the last one has that fault."""
    found: list[Written] = []
    loader = yaml.SafeLoader("")
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_node():
            node = _aliases_refused(loader)
            found.append(_written(loader, node))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        found.append(Written({}, {}, [(line, f"this is no YAML: {error.problem or error.context}")]))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found.append(Written({}, {}, [(line, "a character stands here that YAML does not allow")]))
    except RecursionError:
        found.append(Written({}, {}, [(1, f"it is nested deeper than {DEPTH_MAX} levels")]))
    finally:
        loader.dispose()
    return found


def write(value: Any) -> str:
    """Write a document."""
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120))


class _Alias(yaml.MarkedYAMLError):  # type: ignore[misc]  # PyYAML has no types
    """An alias stands in the text."""


def _aliases_refused(loader: Any) -> Any:
    """Compose the next document; the error for an alias has its line."""
    compose = loader.compose_node

    def without(parent: Any, index: Any) -> Any:
        if loader.check_event(yaml.AliasEvent):
            raise _Alias(problem="aliases (*) are not followed here", problem_mark=loader.peek_event().start_mark)
        return compose(parent, index)

    loader.compose_node = without
    try:
        return loader.get_node()
    finally:
        loader.compose_node = compose


def _written(loader: Any, root: Any) -> Written:
    made = Written(None, {})
    return Written(_value(loader, root, (), made), made.lines, made.faults)


def _value(loader: Any, node: Any, at: Steps, made: Written) -> Any:
    made.lines.setdefault(at, node.start_mark.line + 1)
    if len(at) > DEPTH_MAX:
        made.faults.append((made.lines[at], f"it is nested deeper than {DEPTH_MAX} levels"))
        return None
    match node:
        case yaml.MappingNode():
            return dict(_members(loader, node, at, made))
        case yaml.SequenceNode():
            return [_value(loader, inner, (*at, index), made) for index, inner in enumerate(node.value)]
        case _:
            return _scalar(loader, node, made)


def _members(loader: Any, node: Any, at: Steps, made: Written) -> Iterator[tuple[str, Any]]:
    seen: set[Hashable] = set()
    for name, inner in node.value:
        line = name.start_mark.line + 1
        if not isinstance(name, yaml.ScalarNode):
            made.faults.append((line, "a name must be text"))
            continue
        if name.value in seen:
            made.faults.append((line, f"{name.value} stands here twice"))
        seen.add(name.value)
        made.lines.setdefault((*at, name.value), line)
        yield name.value, _value(loader, inner, (*at, name.value), made)


PLAIN: Final = (str, int, float, bool, type(None))


def _scalar(loader: Any, node: Any, made: Written) -> Any:
    try:
        value = loader.construct_object(node)
    except (yaml.YAMLError, ValueError, KeyError, IndexError):
        made.faults.append((node.start_mark.line + 1, "this value cannot be read; if it is text, write it in quotes"))
        return None
    return value if isinstance(value, PLAIN) else node.value  # a date is the text that it was written as
