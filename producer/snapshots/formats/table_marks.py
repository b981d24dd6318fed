"""
The marks that table formats leave beside their files, by which a folder is known for a table; asks nobody.

A table's folder holds rows that were deleted or replaced long ago. Only its log or metadata says which files are the table now.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

DELTA: Final = "Delta Lake"
ICEBERG: Final = "Apache Iceberg"
HUDI: Final = "Apache Hudi"

FOLDERS: Final = {"_delta_log": DELTA, ".hoodie": HUDI}
"""Folders of a table's folder that only such tables have."""

HUDI_PARTITION: Final = ".hoodie_partition_metadata"
"""What Hudi puts into each folder of files: the table's own folder may be above the root."""

METADATA: Final = "metadata"
METADATA_FILES: Final = (".metadata.json", ".metadata.json.gz")


class Mark(NamedTuple):
    """A folder that is a table of a kind."""

    folder: str
    kind: str


class Listing(NamedTuple):
    """
    What a listing told besides the files: which folders are tables at or below the one that was listed.

    `named` says whether a URI named that folder itself; else a pattern began there.
    """

    folder: str
    named: bool
    marks: frozenset[Mark]


def is_metadata_file(path: str) -> bool:
    """Whether a path is one of a metadata file of Iceberg."""
    folder, _, name = path.lower().rpartition("/")
    return name.endswith(METADATA_FILES) and folder.rpartition("/")[2] == METADATA


def marks_among(paths: Iterable[str]) -> frozenset[Mark]:
    """Return the tables whose marks are among these paths; letter case does not matter."""
    found = set()
    for path in paths:
        lower = path.lower()
        if any(name in lower for name in FOLDERS):
            steps = path.split("/")
            kinds = [(at, FOLDERS[step.lower()]) for at, step in enumerate(steps[:-1]) if step.lower() in FOLDERS]
            found |= {Mark("/".join(steps[:at]), kind) for at, kind in kinds}
            if steps[-1].lower().startswith(HUDI_PARTITION):
                found.add(Mark("/".join(steps[:-1]), HUDI))
        elif is_metadata_file(lower):
            found.add(Mark("/".join(path.split("/")[:-2]), ICEBERG))
    return frozenset(found)
