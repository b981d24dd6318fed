"""How often a store is asked for the marks of tables: by the depth of a path, never by the number of its files."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from producer.snapshots.errors import Missing, SourceUnreachable, Unsupported
from producer.snapshots.file import File, FileState
from producer.snapshots.formats.table_marks import DELTA, HUDI, ICEBERG, Mark, marks_among
from producer.snapshots.formats.tables import table_of
from producer.snapshots.locations.object_store import find
from producer.snapshots.locations.range_reader import Interrupted, Ranges
from producer.snapshots.uris import SnapshotUri


@dataclass
class _Bucket:
    keys: list[str]
    broken: bool = False
    place: SnapshotUri = field(default_factory=lambda: SnapshotUri("s3", "b", ""))
    asked: list[str] = field(default_factory=list)

    def below(self, folder: str) -> Sequence[tuple[str, FileState | None]]:
        self.asked.append(f"list {folder}")
        return [(key, FileState(1, "1")) for key in self.keys if key.startswith(f"{folder}/".removeprefix("/"))]

    def holds(self, folder: str) -> bool:
        self.asked.append(f"holds {folder}")
        if self.broken:
            raise Interrupted("a broken line")
        return any(key.startswith(f"{folder}/") for key in self.keys)

    def look(self, key: str) -> FileState:
        self.asked.append(f"look {key}")
        if key not in self.keys:
            raise Missing(key)
        return FileState(1, "1")

    def ranges(self, key: str, pinned: FileState) -> Ranges:
        raise AssertionError("nothing is read")


def _table(bucket: _Bucket, path: str, root: str = "lake") -> Mark | None:
    def found(uri: str) -> Sequence[File]:
        return find(bucket, SnapshotUri("s3", "b", uri.removeprefix("s3://b").strip("/")))

    uri = f"s3://b/{path}"
    return table_of(uri, found(uri), [SnapshotUri("s3", "b", root)], found)


def test_marks_are_told_from_names() -> None:
    keys = [
        "a/_delta_log/0.json",
        "b/.hoodie/hoodie.properties",
        "c/metadata/v1.metadata.json",
        "d/metadata/v1.gz.metadata.json",
        "_delta_log/0.json",
        "e/x=1/.hoodie_partition_metadata",
        "f/metadata/readme.json",
        "g/x.metadata.json",
        "h_delta_log/0.json",
    ]
    assert marks_among(keys) == {
        ("a", DELTA), ("b", HUDI), ("c", ICEBERG), ("d", ICEBERG), ("", DELTA), ("e/x=1", HUDI),
    }  # fmt: skip


def test_a_store_is_asked_by_the_depth_of_the_path() -> None:
    """A thousand files in as many folders are one listing and three questions for each folder above."""
    bucket = _Bucket([f"lake/a/b/c/x={number}/p.parquet" for number in range(1_000)])
    assert _table(bucket, "lake/a/b/c") is None
    assert [each for each in bucket.asked if each.startswith("list")] == ["list lake/a/b/c"]
    assert len(bucket.asked) == 1 + 1 + 3 * len(["lake", "lake/a", "lake/a/b"])


def test_a_mark_above_is_found_and_one_above_the_root_is_not_asked_for() -> None:
    bucket = _Bucket(["lake/a/metadata/v1.metadata.json", "lake/a/data/p.parquet"])
    with pytest.raises(Unsupported, match="part of the Apache Iceberg table s3://b/lake/a;"):
        _table(bucket, "lake/a/data/p.parquet")
    assert _table(bucket, "lake/a/data/p.parquet", root="lake/a/data") is None
    assert _table(bucket, "lake") == ("s3://b/lake/a", ICEBERG)
    assert _table(_Bucket(["_delta_log/0.json", "p.parquet"]), "", root="") == ("s3://b", DELTA)


def test_what_lies_in_the_listed_folder_and_was_not_named_does_not_matter() -> None:
    bucket = _Bucket(["lake/t/_delta_log/0.json", "lake/t/p.parquet", "lake/vip/1.parquet", "lake/vip/2.parquet"])
    assert _table(bucket, "lake/v*/*.parquet") is None
    with pytest.raises(Unsupported, match=r"vip/1\.parquet: it lies beside the Delta Lake table s3://b/lake/t;"):
        _table(bucket, "lake/**/*.parquet")


def test_a_store_that_does_not_answer_is_not_taken_for_one_without_marks() -> None:
    bucket = _Bucket(["lake/a/p.parquet"], broken=True)
    with pytest.raises(SourceUnreachable):
        _table(bucket, "lake/a")
