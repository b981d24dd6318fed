"""Reads the columns that only folders name, as Spark and Hive lay tables out: `country=AT/part-0.parquet`."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from producer.snapshots.file import File

NULL: Final = "__HIVE_DEFAULT_PARTITION__"
"""How a folder is called whose rows have nothing in its column. Source: Hive's `hive.exec.default.partition.name`."""


def partitions(file: File) -> dict[str, str | None]:
    """Return the columns that the folders above a file name, and what they hold there."""
    found: dict[str, str | None] = {}
    for folder in str(file).split("/")[:-1]:
        key, equals, value = folder.partition("=")
        if key and equals:
            found[unquote(key)] = None if value in {NULL, ""} else unquote(value)
    return found


def partition_keys(files: Sequence[File]) -> list[str]:
    """Return the columns that the folders of every file name."""
    first, *others = files
    return [key for key in partitions(first) if all(key in partitions(file) for file in others)]
