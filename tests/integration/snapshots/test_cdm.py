"""A `model.json` names the columns of CSV files that have no header, as Azure Synapse Link and Customer Insights write them."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from producer.snapshots import open_snapshot, preview_snapshot
from producer.snapshots.errors import BadRow, Missing, MissingColumn, Truncated, UnclearColumns, Unsupported

ROWS: Final = (
    b'"a1","ann@example.org","True","7.0","2026-03-01T12:00:00.0000000Z","3/1/2026 12:05:09 PM"\r\n'
    b'"a2","z\xc3\xb6e@example.org","False","7.25","2026-03-01T12:00:00.5000000+02:00",""\r\n'
)
TEXTS: Final = [
    ["ann@example.org", "true", "7", "2026-03-01T12:00:00Z", "2026-03-01T12:05:09Z"],
    ["zöe@example.org", "false", "7.25", "2026-03-01T10:00:00.5Z", None],
]
ATTRIBUTES: Final = [
    {"name": "Id", "dataType": "guid"},
    {"name": "Email", "dataType": "string", "maxLength": 100},
    {"name": "Vip", "dataType": "boolean"},
    {"name": "Points", "dataType": "double"},
    {"name": "Modified", "dataType": "dateTime"},
    {"name": "Created", "dataType": "dateTime"},
]
COLUMNS: Final = ["Email", "Vip", "Points", "Modified", "Created"]


def _entity(name: str, *files: str, attributes: object = ATTRIBUTES, **settings: object) -> dict[str, Any]:
    written = {"$type": "CsvFormatSettings", "columnHeaders": False, "delimiter": ",", "quoteStyle": "QuoteStyle.Csv"}
    return {
        "$type": "LocalEntity",
        "name": name,
        "attributes": attributes,
        "partitions": [
            {
                "name": file.rpartition("/")[2],
                "location": f"https://acme.dfs.core.windows.net:443/exports/crm/{name}/{file}",
                "fileFormatSettings": written | settings,
            }
            for file in files
        ],
    }


def _export(folder: Path, *entities: dict[str, Any], mark: bytes = b"") -> None:
    model = {"name": "cdm", "version": "1.0", "culture": "en-US", "entities": list(entities)}
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_bytes(mark + json.dumps(model).encode())


def _put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _read(uri: str, columns: list[str], root: Path, from_row: int = 0) -> list[list[str | None]]:
    batches = open_snapshot(uri, [root]).read(columns, from_row)
    return [list(row) for batch in batches for row in zip(*batch.to_pydict().values(), strict=True)]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export of two entities; partitions are read in the order of the model."""
    folder = tmp_path / "crm"
    other = _entity("account", "a.csv", attributes=[{"name": "Number", "dataType": "int64"}])
    _export(folder, _entity("contact", "Snapshot/2026-02.csv", "2026-01.csv"), other, mark=b"\xef\xbb\xbf")
    _put(folder / "contact" / "Snapshot" / "2026-02.csv", b"\xef\xbb\xbf" + ROWS)
    _put(folder / "contact" / "2026-01.csv", ROWS)
    _put(folder / "account" / "a.csv", b"7\n")
    return folder


def test_the_model_names_columns_and_types(export: Path) -> None:
    """From any row on, with or without a byte order mark."""
    uri = f"{export}/model.json#contact"
    assert open_snapshot(uri, [export]).columns() == ["Id", *COLUMNS]
    assert _read(uri, COLUMNS, export) == TEXTS + TEXTS
    assert _read(uri, COLUMNS, export, 1) == TEXTS[1:] + TEXTS
    assert _read(uri, ["Email"], export, 3) == [["zöe@example.org"]]
    assert _read(f"file://{export}/model.json#account", ["Number"], export) == [["7"]]
    shown = preview_snapshot(uri, [export])
    assert (shown.columns["Vip"], shown.columns["Modified"], shown.rows) == ("boolean", "dateTime", None)


def test_a_model_of_several_entities_asks_which(export: Path) -> None:
    """And says which there are."""
    for uri in (f"{export}/model.json", f"{export}/model.json#person", str(export)):
        with pytest.raises(Unsupported, match=r"model\.json#contact; there is 'contact', 'account'"):
            open_snapshot(uri, [export])


def test_the_folder_of_one_entity_is_enough(tmp_path: Path) -> None:
    """With what else lies there passed over."""
    _export(tmp_path, _entity("contact", "1.csv"))
    _put(tmp_path / "contact" / "1.csv", ROWS)
    _put(tmp_path / "contact" / "old.csv", b"something else\n")
    assert _read(str(tmp_path), ["Email"], tmp_path) == [["ann@example.org"], ["zöe@example.org"]]


def test_files_of_an_entity_are_described_by_the_model_above_them(export: Path) -> None:
    """Synapse writes the model one folder up; other CSV files near a model are what they say themselves."""
    assert _read(f"{export}/contact/2026-01.csv", COLUMNS, export) == TEXTS
    assert _read(f"{export}/contact/*.csv", COLUMNS, export) == TEXTS
    _put(export / "other" / "model.json", b'{"no": "model"}')
    _put(export / "other" / "people.csv", b"Email\nann@example.org\n")
    assert _read(f"{export}/other/people.csv", ["Email"], export) == [["ann@example.org"]]
    with pytest.raises(UnclearColumns):
        _read(f"{export}/contact/2026-01.csv", COLUMNS, export / "contact")  # the model is outside the roots


@pytest.mark.parametrize("moment", ["snapshot=2026-03-01T12:00:00.0000000Z", "sv=2026&VersionId=2026-03-01"])
def test_a_partition_that_is_a_snapshot_of_a_blob_is_refused(export: Path, moment: str) -> None:
    """By way of the model, its folder or its files: what the blob holds now may be other rows."""
    _export(export, _entity("contact", f"2026-01.csv?{moment}"))
    for uri in (f"{export}/model.json", str(export), f"{export}/contact/2026-01.csv"):
        with pytest.raises(Unsupported, match=r"partition .*'contact' is a snapshot of a blob"):
            open_snapshot(uri, [export])
    # A location may be signed, and other entities' are nobody's business.
    other = _entity("account", f"a.csv?{moment}", attributes=[{"name": "Number", "dataType": "int64"}])
    _export(export, _entity("contact", "2026-01.csv?sv=2026"), other)
    assert _read(f"{export}/model.json#contact", ["Email"], export) == [["ann@example.org"], ["zöe@example.org"]]


def test_headers_and_delimiters_are_those_of_the_model(tmp_path: Path) -> None:
    """The names that count are the model's."""
    _export(tmp_path, _entity("contact", "1.csv", columnHeaders=True, delimiter="|"))
    _put(tmp_path / "contact" / "1.csv", b"id|mail|v|p|m|c\na1|ann@example.org|True|1|x|\n")
    assert _read(str(tmp_path), ["Email", "Vip", "Modified"], tmp_path) == [["ann@example.org", "true", "x"]]


def test_what_is_wrong_with_a_model_is_said(tmp_path: Path) -> None:
    """By model, entity and partition, or by file, row and column."""
    _export(tmp_path, _entity("contact", "1.csv", "2.csv"))
    _put(tmp_path / "contact" / "1.csv", ROWS + b'"a3","only two"\r\n')
    with pytest.raises(Missing, match=r"model\.json: partition '2\.csv' of the entity 'contact' is not below"):
        open_snapshot(str(tmp_path), [tmp_path])
    _put(tmp_path / "contact" / "2.csv", b"")
    with pytest.raises(BadRow, match=r"1\.csv, row 3: 2 columns where the header has 6"):
        _read(str(tmp_path), COLUMNS, tmp_path)
    with pytest.raises(MissingColumn, match="no column 'Mail'"):
        _read(str(tmp_path), ["Mail"], tmp_path)
    _export(tmp_path, _entity("contact", "1.csv", encoding="UTF-16"))
    with pytest.raises(Unsupported, match="not in UTF-8"):
        open_snapshot(str(tmp_path), [tmp_path])
    (tmp_path / "model.json").write_text('{"name": "a segment"}')
    with pytest.raises(Truncated, match="no model of the Common Data Model"):
        open_snapshot(f"{tmp_path}/model.json#contact", [tmp_path])
    assert _read(f"{tmp_path}/model.json", ["name"], tmp_path) == [["a segment"]]


def test_a_model_is_found_however_far_above_and_only_for_its_own_files(tmp_path: Path) -> None:
    """Customer Insights writes it five folders up; the export of the day before lies beside and is no part of it."""
    location = "https://acme.blob.core.windows.net/ci/Customer/BlobExport/Vip/2026/08/24/1433/Vip_1.csv"
    entity = _entity("Vip", "x.csv")
    entity["partitions"][0]["location"] = location
    base = tmp_path / "Customer" / "BlobExport"
    base.mkdir(parents=True)
    _export(base, entity)
    for day in ("23", "24"):
        _put(base / "Vip" / "2026" / "08" / day / "1433" / "Vip_1.csv", ROWS)
    folder = base / "Vip" / "2026" / "08" / "24"
    for uri in (folder, folder / "1433", folder / "1433" / "Vip_1.csv", base):
        assert _read(str(uri), COLUMNS, tmp_path) == TEXTS
    with pytest.raises(
        Unsupported, match=r"23/1433/Vip_1\.csv: .*model\.json describes files beside it and not this one"
    ):
        _read(str(base / "Vip"), COLUMNS, tmp_path)


def test_two_models_and_files_beside_a_model_are_refused(tmp_path: Path) -> None:
    """Which of them is the segment is not known."""
    for name in ("a", "b"):
        _export(tmp_path / name, _entity("contact", "1.csv"))
        _put(tmp_path / name / "contact" / "1.csv", ROWS)
    with pytest.raises(Unsupported, match=r"a/model\.json and .*b/model\.json are two models"):
        open_snapshot(str(tmp_path), [tmp_path])
    (tmp_path / "b" / "model.json").unlink()
    with pytest.raises(Unsupported, match=r"b/contact/1\.csv: it lies beside the folder of .*a/model\.json"):
        open_snapshot(str(tmp_path), [tmp_path])
    assert _read(f"{tmp_path}/a", COLUMNS, tmp_path) == TEXTS


def test_what_a_model_writes_as_text_is_understood(tmp_path: Path) -> None:
    """And a delimiter of several characters is not."""
    _export(tmp_path, _entity("contact", "1.csv", columnHeaders="false"))
    _put(tmp_path / "contact" / "1.csv", ROWS)
    assert _read(str(tmp_path), COLUMNS, tmp_path) == TEXTS
    _export(tmp_path, _entity("contact", "1.csv", delimiter="||"))
    with pytest.raises(Unsupported, match=r"cells are parted by '\|\|'; one character is wanted"):
        open_snapshot(str(tmp_path), [tmp_path])
