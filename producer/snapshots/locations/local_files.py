"""Finds the files that a snapshot's URI names, below the allowed roots and nowhere else; opens none of them."""

import glob
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from producer.snapshots.errors import Missing, OutsideRoots, Unsupported
from producer.snapshots.file import FileState
from producer.snapshots.locations.local_open import open_local


def find_files(uri: str, roots: Sequence[Path]) -> tuple[Path, ...]:
    """
    Return the files behind an absolute path, a `file://` URI, a directory or a glob, resolved and in order of name.

    Directories are read with everything below them, except names that begin with `.` or `_` (what Spark and object
    stores leave beside the data) and checksums. A link counts as the place that it leads to.
    Raises OutsideRoots, Missing and Unsupported.
    """
    path = _path(uri)
    allowed = tuple(root.resolve() for root in roots)
    found = _matches(path, allowed) if glob.has_magic(path) and not _exists(path) else [Path(path)]
    files = tuple(dict.fromkeys(file for place in found for file in _below(place, allowed, ())))
    if not files:
        raise Missing(f"{uri}: there is no file")
    return files


def named_directory(uri: str) -> Path | None:
    """Return the directory that a path or URI names, its links resolved; None where it names a file or is a glob."""
    path = Path(_path(uri))
    return path.resolve() if path.is_dir() else None


def _path(uri: str) -> str:
    if "\0" in uri:
        raise Unsupported("a snapshot's path holds no NUL character")
    if uri.startswith("/"):
        return uri
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise Unsupported(f"{uri}: not an absolute path and not a file:///... URI")
    # A `?` in a path is a wildcard here; URIs would call what follows it a query.
    return unquote(uri.removeprefix("file://").removeprefix("localhost"))


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # a name that is too long, for one
        return False


def _matches(pattern: str, roots: Sequence[Path]) -> list[Path]:
    steps = Path(pattern).parts
    if ".." in steps:
        raise Unsupported(f"{pattern}: a pattern holds no `..`")
    first_wild = next(at for at, step in enumerate(steps) if glob.has_magic(step))
    # Checked before anything is listed, so that `/**` does not walk the whole machine.
    beginning = Path(*steps[:first_wild])
    _resolve(beginning, roots)
    found = beginning.glob("/".join(steps[first_wild:]))
    return sorted(place for place in found if not _is_housekeeping(place))


def _below(place: Path, roots: Sequence[Path], inside: tuple[Path, ...]) -> Iterator[Path]:
    path = _resolve(place, roots)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise Missing(f"{place}: there is no such file ({error.strerror})") from error
    if stat.S_ISREG(mode):
        yield path
    elif not stat.S_ISDIR(mode) or path in inside:  # a pipe, or a link that leads back to where we came from
        raise Unsupported(f"{place}: neither a file nor a directory of files")
    else:
        for entry in sorted(_entries(path)):
            if not _is_housekeeping(entry):
                yield from _below(entry, roots, (*inside, path))


def _entries(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError as error:
        raise Missing(f"{directory}: the directory cannot be listed ({error.strerror})") from error


def _is_housekeeping(entry: Path) -> bool:
    return entry.name.startswith((".", "_")) or entry.suffix == ".crc"


def _resolve(place: Path, roots: Sequence[Path]) -> Path:
    try:
        path = place.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError is what Python 3.11 says of a loop of links
        raise Missing(f"{place}: its links lead nowhere") from error
    if not any(path.is_relative_to(root) for root in roots):
        raise OutsideRoots(f"{place}: outside the directories that snapshots may come from")
    return path


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.name

    def state(self) -> FileState:
        """Return its size and time of change."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise Missing(f"{self}: there is no such file") from error
        return FileState(found.st_size, str(found.st_mtime_ns))

    def open(self) -> pa.NativeFile:
        """Open it for reading, if it is still the one that was found. Raises Unsupported and Changed, too."""
        return open_local(self.path)
