"""Which files a URI leads to, and that none of them lies outside the roots."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from producer.snapshots.errors import Missing, OutsideRoots, SnapshotChanged, Unsupported
from producer.snapshots.locations.local_files import LocalFile, find_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root with a few files, and a secret beside it."""
    root = tmp_path / "root"
    for name in ("a.csv", "day=1/part-1.csv", "day=1/part-0.csv", "day=2/part-0.csv", "day=2/_SUCCESS", "b [1].csv"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("Email\na@example.org\n")
    (root / "day=2" / ".part-0.csv.crc").touch()
    (root / "empty").mkdir()
    (tmp_path / "secret.csv").write_text("Email\n")
    return root


def _names(uri: str, root: Path) -> list[str]:
    return [str(file.relative_to(root)) for file in find_files(uri, [root])]


def test_a_path_and_its_uri_lead_to_the_same_file(root: Path) -> None:
    """Publishers write both."""
    assert _names(f"{root}/a.csv", root) == ["a.csv"]
    assert _names(f"file://{root}/a.csv", root) == ["a.csv"]
    assert _names(f"file://localhost{root}/b%20%5B1%5D.csv", root) == ["b [1].csv"]
    assert _names(f"{root}/day=1/../a.csv", root) == ["a.csv"]


def test_a_directory_is_everything_below_it_in_order_of_name(root: Path) -> None:
    """Except what Spark leaves beside the data."""
    assert _names(f"{root}/day=2", root) == ["day=2/part-0.csv"]
    assert _names(str(root), root) == [
        "a.csv", "b [1].csv", "day=1/part-0.csv", "day=1/part-1.csv", "day=2/part-0.csv",
    ]  # fmt: skip


def test_a_glob_is_what_it_matches_and_a_file_of_that_very_name_wins(root: Path) -> None:
    """Directories that match are read too."""
    assert _names(f"{root}/day=*/part-0.csv", root) == ["day=1/part-0.csv", "day=2/part-0.csv"]
    assert _names(f"{root}/day=[2]", root) == ["day=2/part-0.csv"]
    assert _names(f"file://{root}/day=?/*", root) == ["day=1/part-0.csv", "day=1/part-1.csv", "day=2/part-0.csv"]
    assert _names(f"{root}/b [1].csv", root) == ["b [1].csv"]


@pytest.mark.parametrize(
    "uri",
    [
        *("{}/../secret.csv", "{}//../secret.csv", "{}/./day=1/../../secret.csv", "{}/../root/../secret.csv"),
        *("file://{}/%2E%2E/secret.csv", "file://{}/..%2fsecret.csv", "file://localhost{}/%2e%2e/secret.csv"),
        *(
            "/etc/passwd",
            "/*",
            "{}/../*.csv",
            "{}/day=*/../../secret.csv",
            "{}/../secret.[c]sv",
            "file://{}/%2e./*.csv",
        ),
        *("/proc/self/root{}/../secret.csv", "/proc/self/cwd/../secret.csv", "/dev/stdin", "/dev/fd/0", "/"),
    ],
)
def test_what_is_outside_the_roots_is_refused(root: Path, uri: str) -> None:
    """Whatever leads there."""
    with pytest.raises((OutsideRoots, Unsupported)):
        find_files(uri.format(root), [root])


def test_links_are_followed_only_below_the_roots(root: Path) -> None:
    """A link counts as the place that it leads to, in a directory and in a glob as well."""
    (root / "inside.csv").symlink_to(root / "a.csv")
    assert _names(f"{root}/inside.csv", root) == ["a.csv"]
    links = root / "links"
    links.mkdir()
    (links / "x.csv").symlink_to(root.parent / "secret.csv")
    for uri in (f"{links}/x.csv", str(links), f"{links}/*.csv"):
        with pytest.raises(OutsideRoots):
            find_files(uri, [root])


def test_a_sibling_whose_name_begins_alike_is_outside(root: Path) -> None:
    """`/data-private` is not below `/data`."""
    (root.parent / "root-private").mkdir()
    with pytest.raises(OutsideRoots):
        find_files(f"{root}-private", [root])


@pytest.mark.parametrize("name", ["a.csv", "day=1/part-0.csv"])
def test_a_file_that_became_a_link_since_it_was_found_is_not_opened(root: Path, name: str) -> None:
    """Neither the file itself nor a directory above it, though the link leads to a file of the same name."""
    (found,) = find_files(f"{root}/{name}", [root])
    with closing(LocalFile(found).open()) as opened:
        assert opened.read(5) == b"Email"
    outside = root.parent / "outside"
    (root / name).parent.rename(outside) if "/" in name else (root / name).rename(outside)
    swapped = (root / name).parent if "/" in name else root / name
    swapped.symlink_to(outside)
    with pytest.raises(SnapshotChanged, match="became a link"):
        LocalFile(found).open()


def test_a_file_that_became_a_pipe_or_a_directory_since_it_was_found_is_not_waited_for(root: Path) -> None:
    """Nobody writes into it, and opening it would wait for somebody who does."""
    (found,) = find_files(f"{root}/a.csv", [root])
    found.unlink()
    os.mkfifo(found)
    with pytest.raises(Unsupported, match="not a regular file"):
        LocalFile(found).open()
    found.unlink()
    found.mkdir()
    with pytest.raises(Unsupported, match="not a regular file"):
        LocalFile(found).open()
    found.rmdir()
    with pytest.raises(Missing):
        LocalFile(found).open()


def test_pipes_sockets_and_devices_are_no_files(root: Path) -> None:
    """By their own name, in a directory, and behind a link."""
    os.mkfifo(root / "pipe.csv")
    (root / "folder").mkdir()
    os.mkfifo(root / "folder" / "pipe.csv")
    for uri in (f"{root}/pipe.csv", f"{root}/folder", f"{root}/pipe*.csv"):
        with pytest.raises(Unsupported):
            find_files(uri, [root])
    (root / "null.csv").symlink_to("/dev/null")
    with pytest.raises(OutsideRoots):
        find_files(f"{root}/null.csv", [root])
    with pytest.raises(Unsupported):
        find_files("/dev/null", [Path("/dev")])


def test_a_root_may_itself_be_a_link(root: Path) -> None:
    """Mounted volumes often are."""
    alias = root.parent / "alias"
    alias.symlink_to(root)
    assert find_files(f"{alias}/a.csv", [alias]) == (root.resolve() / "a.csv",)


def test_links_in_a_circle_end(root: Path) -> None:
    """Not in a walk without an end."""
    (root / "empty" / "again").symlink_to(root / "empty")
    with pytest.raises(Unsupported):
        find_files(f"{root}/empty", [root])
    (root / "x.csv").symlink_to(root / "x.csv")
    with pytest.raises(Missing):
        find_files(f"{root}/x.csv", [root])


@pytest.mark.parametrize("name", ["none.csv", "empty", "*.parquet", "x" * 300, "a.csv/b.csv"])
def test_what_is_not_there_is_missing(root: Path, name: str) -> None:
    """An empty directory holds no file either."""
    with pytest.raises(Missing):
        find_files(f"{root}/{name}", [root])


@pytest.mark.parametrize("uri", ["s3://bucket/a.csv", "a.csv", "", "file://server/a.csv", "file:a.csv", "/a\0.csv"])
def test_other_places_are_refused_by_name(root: Path, uri: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(Unsupported):
        find_files(uri, [root])
