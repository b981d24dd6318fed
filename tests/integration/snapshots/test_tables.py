"""Tables are known by their marks, wherever these lie between the root and the files: read as tables, or refused."""

import json
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Final

import deltalake
import pyarrow as pa
import pytest
from pyiceberg import manifest as iceberg_manifest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO

from producer.snapshots import Snapshot, open_snapshot, preview_snapshot, read_root
from producer.snapshots.errors import Missing, SnapshotError, Truncated, UnclearColumns, Unsupported
from producer.snapshots.formats.iceberg import current
from tests.integration import homes, stores
from tests.integration.homes import Home, open_in, parquet

servers, make_home = stores.servers, stores.make_home

STORES: Final = ["local", "s3", "google", pytest.param("azure", marks=pytest.mark.needs("npm"))]
PART: Final = "it is a part of the {} table .*; name the table's folder"


def _emails(snapshot: Snapshot) -> list[str]:
    return sorted(email for batch in snapshot.read(["Email"]) for email in batch.column(0).to_pylist())


def _people(*emails: str, **columns: str) -> pa.Table:
    return pa.table({"Email": list(emails), **{name: [value] * len(emails) for name, value in columns.items()}})


def _put(home: Home, folder: Path, name: str, there: Collection[Path] = ()) -> None:
    for file in folder.rglob("*"):
        if file.is_file() and file not in there:
            home.put(f"{name}/{file.relative_to(folder)}", file.read_bytes())


def _delta(folder: Path, *, prefix: str = "aB", **options: Any) -> Path:
    """Write a table of two versions whose files lie in a folder with a random name, as `randomizeFilePrefixes` has it."""
    deltalake.write_deltalake(folder, _people("gone", "stays"), **options)
    deltalake.write_deltalake(folder, _people("stays"), mode="overwrite")
    (folder / prefix).mkdir()
    for file in folder.glob("*.parquet"):
        file.rename(folder / prefix / file.name)
    for log in (folder / "_delta_log").glob("*.json"):
        log.write_text(log.read_text().replace('"path":"part', f'"path":"{prefix}/part'))
    return folder


def _hudi(folder: Path) -> Path:
    for number in (1, 2):
        file = folder / "country=AT" / f"a1b2_0-{number}-0_2026010{number}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(parquet(_people("hudi", First=str(number))))
    (folder / "country=AT" / ".hoodie_partition_metadata").write_text("partitionDepth=1\n")
    (folder / ".hoodie").mkdir()
    (folder / ".hoodie" / "hoodie.properties").write_text("hoodie.table.type=COPY_ON_WRITE\n")
    return folder


class _Lake:
    """Iceberg tables below a folder, by a catalog of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.catalog = SqlCatalog("lake", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
        self.catalog.create_namespace("crm")

    def table(self, name: str = "people") -> Any:
        """Write a table in three steps: one of three people is deleted."""
        made = self.catalog.create_table(f"crm.{name}", schema=_people("ann", country="AT").schema)
        made.append(_people("ann", "bob", country="AT"))
        made.delete("Email = 'ann'")
        made.append(_people("cid", country="DE"))
        return made

    def close(self) -> None:
        """Let go of the catalog."""
        self.catalog.close()


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[_Lake]:
    made = _Lake(tmp_path / "lake")
    yield made
    made.close()


@pytest.mark.parametrize("kind", STORES)
def test_a_delta_table_is_its_log_wherever_its_files_lie(
    kind: str, make_home: Callable[[str], Home], tmp_path: Path
) -> None:
    """Read where it is named or is all that a folder holds; in part, with others or with loose files it is refused."""
    home = make_home(kind)
    folder = _delta(tmp_path / "written")
    _put(home, folder, "only/deep/table")
    for name in ("only/deep/table", "only/deep", "only"):
        assert _emails(open_in(home, name)) == ["stays"]
    file = next((folder / "aB").iterdir()).name
    for name in ("only/deep/table/aB", f"only/deep/table/aB/{file}", f"only/deep/table/*/{file}"):
        with pytest.raises(Unsupported, match=PART.format("Delta Lake")):
            open_in(home, name)
    with pytest.raises(Unsupported, match=PART.format("Delta Lake")):
        open_in(home, "only/deep/table/_delta_log")
    home.put("only/loose.parquet", parquet(_people("loose")))
    with pytest.raises(
        Unsupported, match=r"loose\.parquet: it lies beside the Delta Lake table .*only/deep/table; name"
    ):
        open_in(home, "only")
    assert _emails(open_in(home, "only/loose.parquet")) == ["loose"]
    home.take("only/loose.parquet")
    _put(home, folder, "only/deep/other")
    with pytest.raises(Unsupported, match=r"deep/other and .*deep/table are two tables"):
        open_in(home, "only")
    with pytest.raises(Unsupported, match="two tables"):
        open_in(home, "only/deep/*/aB/*.parquet")
    assert _emails(open_in(home, "only/deep/tab*")) == ["stays"]


@pytest.mark.parametrize("kind", STORES)
def test_a_mark_above_the_root_is_not_seen(kind: str, make_home: Callable[[str], Home], tmp_path: Path) -> None:
    """What an operator did not allow is not asked for; at the root itself it counts."""
    home = make_home(kind)
    _put(home, _delta(tmp_path / "written"), "table")
    with pytest.raises(Unsupported, match=PART.format("Delta Lake")):
        open_snapshot(f"{home.base}/table/aB", [read_root(f"{home.base}/table")], home.trusted)
    assert len(_emails(open_snapshot(f"{home.base}/table/aB", [read_root(f"{home.base}/table/aB")], home.trusted))) == 3


@pytest.mark.parametrize("kind", STORES)
def test_a_hudi_table_is_refused_whole_and_in_part(kind: str, make_home: Callable[[str], Home], tmp_path: Path) -> None:
    home = make_home(kind)
    _put(home, _hudi(tmp_path / "written"), "lake/table")
    for name in ("lake", "lake/table", "lake/table/country=AT", "lake/*/country=AT/*.parquet"):
        with pytest.raises(Unsupported, match="lake/table: an Apache Hudi table, which is not read; export"):
            open_in(home, name)
    part = f"{home.base}/lake/table/country=AT"
    with pytest.raises(Unsupported, match="country=AT: an Apache Hudi table"):
        open_snapshot(part, [read_root(part)], home.trusted)


@pytest.mark.parametrize("kind", STORES)
def test_an_iceberg_table_is_its_current_snapshot(
    kind: str, make_home: Callable[[str], Home], lake: _Lake, tmp_path: Path
) -> None:
    """By its folder, or by a metadata file, which is a snapshot for ever; also where a copy of it lies elsewhere."""
    home, table = make_home(kind), lake.table()
    written = lake.folder / "crm" / "people"
    _put(home, written, "lake/people")
    for name in ("lake", "lake/people", f"lake/people/metadata/{table.metadata_location.rpartition('/')[2]}"):
        snapshot = open_in(home, name)
        assert _emails(snapshot) == ["bob", "cid"]
        snapshot.verify(open_in(home, name).pin())
    first = next((written / "metadata").glob("00001-*")).name
    assert _emails(open_in(home, f"lake/people/metadata/{first}")) == ["ann", "bob"]
    for name in ("lake/people/data", "lake/people/metadata", "lake/people/data/*.parquet"):
        with pytest.raises(Unsupported, match=PART.format("Apache Iceberg")):
            open_in(home, name)
    begun, there = open_in(home, "lake/people"), set(written.rglob("*"))
    pin = begun.pin()
    table.append(_people("dan", country="AT"))
    _put(home, written, "lake/people", there)
    assert _emails(begun) == ["bob", "cid"]
    begun.verify(pin)
    later = open_in(home, "lake/people")
    assert _emails(later) == ["bob", "cid", "dan"]
    assert later.pin() != pin


def test_a_folder_of_iceberg_s_partitions_is_no_column(lake: _Lake, tmp_path: Path) -> None:
    """The files say it themselves, and a partition may be something else than a value."""
    table = lake.table()
    with table.update_spec() as spec:
        spec.add_identity("country")
    table.append(_people("dan", country="CH"))
    assert list((lake.folder / "crm" / "people" / "data").glob("country=CH/*"))
    assert open_snapshot(str(lake.folder / "crm"), [tmp_path]).columns() == ["Email", "country"]
    assert _emails(open_snapshot(str(lake.folder / "crm"), [tmp_path])) == ["bob", "cid", "dan"]


def test_iceberg_s_columns_are_those_of_its_numbers(lake: _Lake, tmp_path: Path) -> None:
    """A name that went to another column would put one value in another's place."""
    table = lake.table()
    with table.update_schema() as schema:
        schema.rename_column("Email", "Old")
        schema.rename_column("country", "Email")
    with pytest.raises(UnclearColumns, match="rewrite the table's data files"):
        _emails(open_snapshot(str(lake.folder / "crm"), [tmp_path]))


def _with_deletes(table: Any, data: Any) -> None:
    """Add a manifest with a file of deleted positions to the table's current snapshot."""

    class Deletes(iceberg_manifest.ManifestWriterV2):
        def content(self) -> Any:
            return iceberg_manifest.ManifestContent.DELETES

    files, snapshot = PyArrowFileIO(), table.current_snapshot()
    deletes = iceberg_manifest.DataFile.from_args(
        content=iceberg_manifest.DataFileContent.POSITION_DELETES,
        file_path=data.file_path,
        file_format=iceberg_manifest.FileFormat.PARQUET,
        partition=data.partition,
        record_count=1,
        file_size_in_bytes=data.file_size_in_bytes,
    )
    deletes.spec_id = 0
    output = files.new_output(f"{table.location()}/metadata/deletes.avro")
    with Deletes(table.spec(), table.schema(), output, snapshot.snapshot_id, "null") as writer:
        writer.add(
            iceberg_manifest.ManifestEntry.from_args(
                status=iceberg_manifest.ManifestEntryStatus.ADDED, snapshot_id=snapshot.snapshot_id, data_file=deletes
            )
        )
    held = [*snapshot.manifests(files), writer.to_manifest_file()]
    Path(snapshot.manifest_list.removeprefix("file://")).unlink()
    output = files.new_output(snapshot.manifest_list)
    with iceberg_manifest.write_manifest_list(2, output, snapshot.snapshot_id, None, 9, "null") as lists:
        lists.add_manifests(held)


def test_an_iceberg_table_with_delete_files_is_refused(lake: _Lake, tmp_path: Path) -> None:
    """Its data files hold rows that the delete files take away."""
    table = lake.table()
    data = next(iter(table.scan().plan_files())).file
    _with_deletes(table, data)
    with pytest.raises(Unsupported, match="the Iceberg table has delete files, which are not read; compact it first"):
        open_snapshot(str(lake.folder / "crm"), [tmp_path])


def test_iceberg_s_metadata_leads_nowhere_else(lake: _Lake, tmp_path: Path) -> None:
    """Whatever it names: a file elsewhere, a file that is gone, one that is another by now."""
    table = lake.table()
    data = sorted((lake.folder / "crm" / "people" / "data").iterdir())
    metadata = Path(table.metadata_location.removeprefix("file://"))
    kept = metadata.read_text()
    for location in ("file:///etc", f"file://{tmp_path}/lake/crm", "s3://elsewhere/people"):
        metadata.write_text(json.dumps(json.loads(kept) | {"location": location}))
        with pytest.raises(Missing, match="which is not in its folder"):
            open_snapshot(str(metadata), [tmp_path])
    metadata.write_text(kept[:-9])
    with pytest.raises(Truncated, match="damaged, or of a version that is not read"):
        open_snapshot(str(metadata), [tmp_path])
    metadata.write_text(kept.replace('"format-version":2', '"format-version":9'))
    with pytest.raises(Truncated, match="damaged, or of a version that is not read"):
        open_snapshot(str(metadata), [tmp_path])
    metadata.write_text(kept)
    assert _emails(open_snapshot(str(metadata), [tmp_path])) == ["bob", "cid"]
    for file in data:
        file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(Truncated, match="its size is not the one"):
        open_snapshot(str(metadata), [tmp_path])
    for file in data:
        file.unlink()
    with pytest.raises(Missing, match="which is not in its folder"):
        open_snapshot(str(metadata), [tmp_path])


UUID: Final = "54bf32ef-c06f-4a5b-8c85-78a8de9efd2b"


@pytest.mark.parametrize(
    ("names", "hint", "chosen"),
    [
        (["v1.metadata.json", "v9.metadata.json", "v10.metadata.json"], None, "v10.metadata.json"),
        (["v1.metadata.json", "v2.metadata.json", "v3.metadata.json"], "2", "v3.metadata.json"),
        (["v1.metadata.json", "v2.metadata.json", "v4.metadata.json"], "2", "v2.metadata.json"),
        (["v1.metadata.json", "v2.gz.metadata.json"], "2", "v2.gz.metadata.json"),
        ([f"00009-{UUID}.metadata.json", f"00010-{UUID}.metadata.json"], None, f"00010-{UUID}.metadata.json"),
        ([f"00003-{UUID}.metadata.json", f"00003-{UUID[::-1]}.metadata.json"], None, None),
        ([f"00003-{UUID}.metadata.json", "v3.metadata.json"], "3", "v3.metadata.json"),
        (["v3.metadata.json", "v3.gz.metadata.json"], None, None),
        ([f"00003-{UUID}.metadata.json"], f"00003-{UUID}", f"00003-{UUID}.metadata.json"),
        (["v1.metadata.json"], "7", None),
        (["people.metadata.json"], None, None),
        ([], None, None),
    ],
)
def test_the_current_metadata_is_told_by_its_name_or_not_at_all(
    names: list[str], hint: str | None, chosen: str | None
) -> None:
    assert current(names, hint) == chosen


def test_two_metadata_files_of_one_version_are_asked_about(lake: _Lake, tmp_path: Path) -> None:
    """One of them was never committed; which, the catalog knows."""
    table = lake.table()
    metadata = Path(table.metadata_location.removeprefix("file://"))
    shutil.copy(metadata, metadata.with_name(f"00003-{UUID}.metadata.json"))
    with pytest.raises(Unsupported, match="name the one that the catalog names"):
        open_snapshot(str(lake.folder / "crm"), [tmp_path])
    (metadata.parent / "version-hint.text").write_text(metadata.name.removesuffix(".metadata.json") + "\n")
    assert _emails(open_snapshot(str(lake.folder / "crm"), [tmp_path])) == ["bob", "cid"]


def test_a_delta_table_is_found_behind_links_and_by_marks_in_other_letters(tmp_path: Path) -> None:
    """A link counts as the place that it leads to, of the table and of one of its files."""
    folder = _delta(tmp_path / "table")
    (tmp_path / "link").symlink_to(folder)
    assert _emails(open_snapshot(f"{tmp_path}/link", [tmp_path])) == ["stays"]
    (tmp_path / "link.parquet").symlink_to(next((folder / "aB").iterdir()))
    with pytest.raises(Unsupported, match=PART.format("Delta Lake")):
        open_snapshot(f"{tmp_path}/link.parquet", [tmp_path])
    (folder / "_delta_log").rename(folder / "_DELTA_LOG")
    with pytest.raises(SnapshotError):
        open_snapshot(str(folder), [tmp_path])


def test_a_table_within_another_is_one_of_its_own(tmp_path: Path) -> None:
    """Each log names its own files."""
    _delta(_delta(tmp_path / "outer", prefix="aB") / "inner", prefix="cD")
    assert _emails(open_snapshot(f"{tmp_path}/outer", [tmp_path])) == ["stays"]
    assert _emails(open_snapshot(f"{tmp_path}/outer/inner", [tmp_path])) == ["stays"]
    with pytest.raises(Unsupported, match=PART.format("Delta Lake")):
        open_snapshot(f"{tmp_path}/outer/inner/cD", [tmp_path])


def test_a_log_of_checkpoints_is_a_log(tmp_path: Path) -> None:
    """Older commits are cleaned away."""
    folder = tmp_path / "table"
    for email in ("gone", "stays"):
        deltalake.write_deltalake(folder, _people(email), mode="overwrite")
    deltalake.DeltaTable(folder).create_checkpoint()
    for commit in (folder / "_delta_log").glob("*.json"):
        commit.unlink()
    (folder / "_SUCCESS").touch()
    (folder / "_committed_123").touch()
    assert _emails(open_snapshot(str(folder), [tmp_path])) == ["stays"]


@pytest.mark.parametrize(
    ("configuration", "feature"),
    [
        ({"delta.enableDeletionVectors": "true"}, "deletionVectors"),
        ({"delta.columnMapping.mode": "name", "delta.minReaderVersion": "2"}, "columnMapping"),
    ],
)
def test_a_delta_table_whose_files_do_not_tell_its_rows_is_refused(
    tmp_path: Path, configuration: dict[str, str], feature: str
) -> None:
    """Also where its files lie in a folder with a random name."""
    folder = _delta(tmp_path / "table")
    first = folder / "_delta_log" / f"{0:020}.json"
    lines = [json.loads(line) for line in first.read_text().splitlines()]
    for line in lines:
        if "metaData" in line:
            line["metaData"]["configuration"] = configuration
        if "protocol" in line and feature == "deletionVectors":
            features = {"readerFeatures": [feature], "writerFeatures": [feature]}
            line["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7, **features}
    first.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(Unsupported, match=f"uses {feature}, which we do not read; export its rows as Parquet"):
        open_snapshot(str(folder), [tmp_path])


def test_a_table_of_two_formats_is_read_by_the_metadata_that_is_named(lake: _Lake, tmp_path: Path) -> None:
    """Which of them lags behind cannot be seen."""
    table = lake.table()
    _delta(lake.folder / "crm" / "people", prefix="eF")
    with pytest.raises(Unsupported, match="a table of Apache Iceberg and Delta Lake at once; name the metadata file"):
        open_snapshot(str(lake.folder / "crm" / "people"), [tmp_path])
    metadata = table.metadata_location.removeprefix("file://")
    assert _emails(open_snapshot(metadata, [tmp_path])) == ["bob", "cid"]


def test_texts_near_a_table_are_no_part_of_it(tmp_path: Path) -> None:
    """No table keeps its rows in CSV or NDJSON."""
    folder = _delta(tmp_path / "table")
    (folder / "people.csv").write_text("Email\nann\n")
    assert _emails(open_snapshot(f"{folder}/people.csv", [tmp_path])) == ["ann"]


@pytest.mark.parametrize("column", ["IsDelete", "isdelete", "is_delete"])
def test_an_append_only_export_is_refused_in_every_format(tmp_path: Path, column: str) -> None:
    """It has old rows and rows of deleted people; a database's answer is what its query says."""
    files = {
        "a.csv": f"Email,{column}\nann,\nann,True\n".encode(),
        "a.ndjson": json.dumps({"Email": "ann", column: None}).encode() + b"\n",
        "a.parquet": parquet(_people("ann", **{column: "x"})),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        for look in (
            lambda uri: _emails(open_snapshot(uri, [tmp_path])),
            lambda uri: preview_snapshot(uri, [tmp_path]),
        ):
            with pytest.raises(Unsupported, match=rf"it has a column '{column}', as append-only exports have"):
                look(f"{tmp_path}/{name}")


def test_the_answer_of_a_database_may_say_who_was_deleted(tmp_path: Path) -> None:
    """Which rows count, its query says."""
    homes.sqlite_table(tmp_path / "people.db", _people("ann", IsDelete="False"))
    assert _emails(open_snapshot(f"sqlite://{tmp_path}/people.db?table=people&key=id", [tmp_path])) == ["ann"]


def test_an_append_only_export_is_refused_by_its_model(tmp_path: Path) -> None:
    """By way of the model, its folder and its files."""
    attributes = [{"name": name, "dataType": "string"} for name in ("Id", "Email", "IsDelete")]
    part = {"name": "p", "location": "contact/2026.csv", "fileFormatSettings": {"columnHeaders": False}}
    entity = {"name": "contact", "attributes": attributes, "partitions": [part]}
    (tmp_path / "contact").mkdir()
    (tmp_path / "model.json").write_text(json.dumps({"name": "cdm", "entities": [entity]}))
    (tmp_path / "contact" / "2026.csv").write_text('"1","old",\n"1","new",\n"2",,"True"\n')
    for name in ("", "/model.json", "/contact", "/contact/2026.csv", "/*/2026.csv"):
        with pytest.raises(Unsupported, match="it has a column 'IsDelete'"):
            _emails(open_snapshot(f"{tmp_path}{name}", [tmp_path]))


@pytest.mark.parametrize("text", ["{", '{"protocol":{"minReaderVersion":9,"minWriterVersion":9}}', "", "\0"])
def test_a_log_that_cannot_be_read_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    """Whatever the library makes of it, its files are not read without it."""
    folder = _delta(tmp_path / "table")
    (folder / "_delta_log" / f"{0:020}.json").write_text(text)
    with pytest.raises(Truncated, match="not a whole log of a Delta Lake table, or of a version that is not read"):
        open_snapshot(str(folder), [tmp_path])
