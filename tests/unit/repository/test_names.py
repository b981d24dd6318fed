"""One name, one meaning: a class or a type alias of the programs is defined once."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
EACH_PROGRAM_HAS_ITS_OWN = {"Metrics", "Settings"}


def _types_of(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if name[0].isupper() and not name.isupper():
                    yield name
            case _:
                pass


def test_every_type_name_has_one_meaning() -> None:
    """A reader who finds a name needs no second look at where it comes from."""
    places = defaultdict(list)
    for folder in ("producer", "wire", "worker", "deploy"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name in _types_of(path):
                places[name].append(path.relative_to(ROOT).as_posix())
    assert len(places) > 300
    doubled = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in doubled.items() if name not in EACH_PROGRAM_HAS_ITS_OWN} == {}
