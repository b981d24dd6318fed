"""No binary file is tracked: a package or an archive in the tree cannot be reviewed."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCREENSHOTS = "docs/screenshots/"
BLOCK = 65536


def is_binary(path: Path) -> bool:
    """Say whether a NUL byte is in a file, which no text of ours holds."""
    with path.open("rb") as file:
        return any(b"\0" in block for block in iter(lambda: file.read(BLOCK), b""))


def is_allowed(name: str) -> bool:
    return name.startswith(SCREENSHOTS) and name.endswith(".png")


def binaries(root: Path) -> list[str]:
    """List the tracked binary files that are not on the short list."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    names = [name for name in listed.split("\0") if name and (root / name).is_file()]
    return [name for name in names if not is_allowed(name) and is_binary(root / name)]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the tree is no git repository")
def test_no_binary_is_tracked() -> None:
    assert binaries(ROOT) == []


def test_a_tracked_wheel_is_listed_and_a_screenshot_is_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "."], cwd=tmp_path, check=True)
    screenshot = tmp_path / SCREENSHOTS / "run.png"
    screenshot.parent.mkdir(parents=True)
    screenshot.write_bytes(b"\x89PNG\0")
    (tmp_path / "package.whl").write_bytes(b"PK\3\4\0")
    (tmp_path / "page.png").write_bytes(b"\x89PNG\0")
    (tmp_path / "text.md").write_text("Text.\n")
    subprocess.run(["git", "add", "--all", "--force"], cwd=tmp_path, check=True)

    assert binaries(tmp_path) == ["package.whl", "page.png"]
