"""Modules that say they are pure, held against the import contract."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
PURE = "Rules are pure, all the way down"


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_every_module_that_says_pure_is_in_the_contract_and_no_other() -> None:
    """A docstring promises nothing that the contract does not hold."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["name"] == PURE)
    paths = [path for folder in ("producer", "wire", "worker") for path in (ROOT / folder).rglob("*.py")]
    says_pure = {_name(path) for path in paths if "Pure" in (ast.get_docstring(ast.parse(path.read_text())) or "")}
    assert set(contract["source_modules"]) == says_pure
    assert len(says_pure) > 30
