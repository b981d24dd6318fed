"""What README, Makefile and CI say to newcomers, held against what is there."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import producer.settings
import worker.settings
from wire.process.settings import PREFIX, SettingsError

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "docs" / "reference" / "settings.md").read_text()
METRICS = (ROOT / "docs" / "reference" / "metrics.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


class _Asked(dict[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # one use only
        self.names.add(name.removeprefix(PREFIX))
        return default


def _settings_read_by(read: Callable[[Mapping[str, str]], object]) -> set[str]:
    asked = _Asked()
    with suppress(SettingsError):
        read(asked)
    return asked.names


def test_the_reference_explains_exactly_the_settings_that_are_read() -> None:
    """With the program that reads each."""
    of_producer = _settings_read_by(producer.settings.read_settings)
    of_worker = _settings_read_by(worker.settings.read_settings)
    explained = dict(re.findall(r"^\| `([A-Z_]+)` \| (both|producer|worker) \|", SETTINGS, flags=re.MULTILINE))
    assert explained == {
        name: "both" if name in of_producer & of_worker else "producer" if name in of_producer else "worker"
        for name in of_producer | of_worker
    }


def test_the_reference_explains_every_metric_of_the_worker() -> None:
    """By the names that Prometheus sees."""
    source = (ROOT / "worker" / "metrics.py").read_text()
    names = set(re.findall(r'"segment_export_([a-z_]+)"', source))
    assert names
    assert [name for name in names if f"`{name}`" not in METRICS and f"`{name}_total`" not in METRICS] == []


def test_every_target_that_readme_names_is_there_and_every_target_has_help() -> None:
    """`make help` is the list of all of them."""
    targets = re.findall(r"^([a-z.]+):(?!=)", MAKEFILE, flags=re.MULTILINE)
    described = re.findall(r"^([a-z.]+):.*## \S", MAKEFILE, flags=re.MULTILINE)
    assert targets == described
    assert set(re.findall(r"make ([a-z]+)", README)) <= set(targets)


def test_what_ci_calls_contains_the_test_command_of_readme() -> None:
    """CI runs the tests that README names."""
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("make check")
    check = MAKEFILE.split("\ncheck:")[1].split("\n\n")[0]
    assert "make test " in README
    assert "\t$(MAKE) lint" in check
    assert "\t$(MAKE) test\n" in check
    assert "\t$(MAKE) bench SHORT=yes" in check


def test_every_path_that_the_documents_name_is_there() -> None:
    """In backquotes or as a link, from the root or from the document's own folder."""
    documents = [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md")),
        *(ROOT / "docs" / "decisions").glob("*.md"),
        *(ROOT / "docs" / "reference").glob("*.md"),
    ]
    tops = "producer|wire|worker|tests|deploy|docs"
    missing = []
    for document in documents:
        text = document.read_text()
        named = re.findall(rf"`((?:{tops})/[A-Za-z0-9_./-]*)`", text)
        linked = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text)
        missing += [(document.name, name) for name in named if not (ROOT / name).exists()]
        missing += [(document.name, name) for name in linked if not (document.parent / name).exists()]
    assert missing == []
