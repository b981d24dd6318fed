"""One suite for every kind of place that snapshots live in: what `docs/sources.md` promises, against real servers."""

import gzip
import json
import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import adbc_driver_postgresql.dbapi
import deltalake
import duckdb
import pyarrow as pa
import pytest

from producer.snapshots import Snapshot, open_snapshot, read_root
from producer.snapshots.errors import (
    Empty,
    Missing,
    MissingColumn,
    OutsideRoots,
    SnapshotChanged,
    SourceForbidden,
    SourceUnreachable,
    Truncated,
    Unsupported,
)
from producer.snapshots.locations import range_reader
from producer.snapshots.locations.azure import AzureStorage, access
from producer.snapshots.preview import preview
from producer.snapshots.snapshot import FileSnapshot
from tests.integration import homes, stores
from tests.integration.homes import Home, open_in, parquet
from tests.integration.stores import Servers

servers, make_home = stores.servers, stores.make_home

ROWS: Final = 12_345
FILES: Final = ("local", "s3", "azure", "google", "web", "plain web")
TABLES: Final = ("sqlite", "postgresql")
NEEDS: Final = {"azure": "npm", "postgresql": "pg_virtualenv"}


def _kinds(names: tuple[str, ...]) -> list[Any]:
    marks = {name: [pytest.mark.needs(NEEDS[name])] if name in NEEDS else [] for name in names}
    return [pytest.param(name, marks=marks[name]) for name in names]


Hold = Callable[[str, pa.Table], Callable[[], Snapshot]]


@pytest.fixture
def hold(make_home: Callable[[str], Home], servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hold:
    """Keep a table in a kind of place, and return what opens it as a snapshot; once more, and it is replaced."""
    made: dict[str, Home] = {}

    def keep(kind: str, table: pa.Table) -> Callable[[], Snapshot]:
        if kind == "sqlite":
            homes.sqlite_table(tmp_path / "people.db", table)
            return lambda: open_snapshot(f"sqlite://{tmp_path}/people.db?table=people&key=id", [tmp_path])
        if kind == "postgresql":
            return _keep_in_postgresql(servers.told("postgresql"), table, monkeypatch)
        home = made.setdefault(kind, make_home(kind)) if kind not in made else made[kind]
        home.put("people.parquet", parquet(table))
        return lambda: open_in(home, "people.parquet")

    return keep


def _keep_in_postgresql(
    told: Mapping[str, str], table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Snapshot]:
    for name in ("PGUSER", "PGPASSWORD"):
        monkeypatch.setenv(name, told[name])
    where = f"postgresql://{told['PGHOST']}:{told['PGPORT']}/{told['PGDATABASE']}"
    with adbc_driver_postgresql.dbapi.connect(where) as connection, connection.cursor() as cursor:
        ids = pa.array(range(len(table)), pa.int64())
        cursor.adbc_ingest("people", table.add_column(0, "id", ids), mode="replace")
        connection.commit()
    return lambda: open_snapshot(f"{where}?table=public.people&key=id", [read_root(where)])


def _profiles(rows: int = ROWS) -> pa.Table:
    names = ["Ann", 'Zoë, née "Li"', "李小龍", "line\nbreak", "أحمد", "👩‍👧", "a;b|c\td", None]
    return pa.table(
        {
            "Email": [f"person{at}@example.org" for at in range(rows)],
            "Name": pa.array([names[at % len(names)] for at in range(rows)], pa.string()),
            "Points": pa.array([None if at % 7 == 0 else at / 4 for at in range(rows)], pa.float64()),
            "Age": pa.array([None if at < 9_000 else at for at in range(rows)], pa.int64()),
            "Vip": pa.array([at % 2 == 0 for at in range(rows)], pa.bool_()),
        }
    )


def _expected(table: pa.Table) -> list[list[str | None]]:
    def text(value: object) -> str | None:
        return None if value is None else str(value).removesuffix(".0")

    return [[row["Email"], row["Name"], text(row["Points"]), text(row["Age"])] for row in table.to_pylist()]


WANTED: Final = ["Email", "Name", "Points", "Age"]


def _read(snapshot: Snapshot, columns: list[str], from_row: int = 0) -> list[list[str | None]]:
    return [
        list(row) for batch in snapshot.read(columns, from_row) for row in zip(*batch.to_pydict().values(), strict=True)
    ]


@pytest.mark.parametrize("kind", _kinds(FILES + TABLES))
def test_every_source_gives_the_same_rows_in_order_and_from_any_row_on(kind: str, hold: Hold) -> None:
    """Types, nulls and Unicode as text, whatever the place; columns that begin with thousands of nulls too."""
    table = _profiles()
    open_ = hold(kind, table)
    snapshot = open_()
    assert set(snapshot.columns()) >= set(table.column_names)
    assert _read(snapshot, WANTED) == _expected(table)
    for from_row in (1, 5_000, ROWS - 1, ROWS, ROWS + 9):
        assert _read(snapshot, WANTED, from_row) == _expected(table)[from_row:]


@pytest.mark.parametrize("kind", _kinds(FILES + TABLES))
def test_a_pin_is_the_same_until_the_snapshot_changes(kind: str, hold: Hold) -> None:
    """So that another producer can take over a run, and notices if it cannot."""
    open_ = hold(kind, _profiles(100))
    pin = open_().pin()
    open_().verify(pin)
    hold(kind, _profiles(101))
    with pytest.raises(SnapshotChanged):
        open_().verify(pin)


@pytest.mark.parametrize("kind", _kinds(FILES + TABLES))
def test_no_rows_is_an_error_and_so_is_a_column_that_is_not_there(kind: str, hold: Hold) -> None:
    """Said with the columns that are there."""
    with pytest.raises(Empty):
        _read(hold(kind, _profiles(0))(), ["Email"])
    with pytest.raises(MissingColumn, match=r"no column 'Mail'; there is .*'Email'"):
        _read(hold(kind, _profiles(3))(), ["Mail"])


@pytest.mark.parametrize("kind", _kinds(FILES + TABLES))
def test_wide_rows_are_read(kind: str, hold: Hold) -> None:
    """Hundreds of columns, and values of 100,000 bytes."""
    columns = {f"c{at}": [f"{at}", "x" * (100_000 if at == 7 else 1)] for at in range(200)}
    snapshot = hold(kind, pa.table(columns))()
    assert _read(snapshot, ["c7", "c199"]) == [["7", "199"], ["x" * 100_000, "x"]]


@pytest.mark.parametrize("kind", _kinds(FILES))
def test_what_is_not_there_is_missing_and_named(kind: str, make_home: Callable[[str], Home]) -> None:
    """At once, and after it was there."""
    home = make_home(kind)
    home.put("a.csv", b"Email\na@example.org\n")
    with pytest.raises(Missing, match=r"nothing\.csv"):
        open_in(home, "nothing.csv")
    snapshot = open_in(home, "a.csv")
    home.take("a.csv")
    with pytest.raises(Missing, match=r"a\.csv"):
        _read(snapshot, ["Email"])


@pytest.mark.parametrize("kind", _kinds(FILES))
def test_texts_are_read_compressed_or_not_and_damage_is_named(kind: str, make_home: Callable[[str], Home]) -> None:
    """Larger than a block, so that reading goes on at a byte."""
    home = make_home(kind)
    text = b"Email;Name\r\n" + b"".join(b'%d@example.org;"Z\xc3\xb6e; %d"\r\n' % (at, at) for at in range(250_000))
    expected = ["249999@example.org", "Zöe; 249999"]
    for name, data in {
        "excel.csv": b"\xef\xbb\xbf" + text,
        "a.csv.gz": gzip.compress(text, 1),
        "a.csv.zst": bytes(pa.compress(text, codec="zstd", asbytes=True)),
    }.items():
        home.put(name, data)
        assert _read(open_in(home, name), ["Email", "Name"], 249_999) == [expected]
    home.put("cut.csv.gz", gzip.compress(text, 1)[:-9_000])
    with pytest.raises(Truncated, match=r"cut\.csv\.gz"):
        _read(open_in(home, "cut.csv.gz"), ["Email"])


@pytest.mark.parametrize("kind", _kinds(FILES[:4]))
def test_a_prefix_and_a_glob_are_read_as_spark_lays_them_out(kind: str, make_home: Callable[[str], Home]) -> None:
    """Part files in order, folders that name a column, and what Spark leaves beside them passed over."""
    home = make_home(kind)
    for at, country in enumerate(["AT", "DE", "__HIVE_DEFAULT_PARTITION__"]):
        rows = pa.table({"Email": [f"{at}{row}@example.org" for row in range(2)]})
        home.put(f"spark/country={country}/part-0000{at}-x.c000.snappy.parquet", parquet(rows))
        home.put(f"spark/country={country}/.part-0000{at}.crc", b"x")
    home.put("spark/_SUCCESS", b"")
    home.put("spark-other/a.parquet", parquet(pa.table({"Email": ["x"]})))
    everybody: list[list[str | None]] = [
        ["00@example.org", "AT"],
        ["01@example.org", "AT"],
        ["10@example.org", "DE"],
        ["11@example.org", "DE"],
    ]
    everybody += [["20@example.org", None], ["21@example.org", None]]
    assert _read(open_in(home, "spark"), ["Email", "country"]) == everybody
    assert _read(open_in(home, "spark/"), ["Email", "country"], 3) == everybody[3:]
    assert _read(open_in(home, "spark/country=*/*.parquet"), ["Email"]) == [row[:1] for row in everybody]
    assert _read(open_in(home, "spark/country=[AD]*"), ["country"]) == [row[1:] for row in everybody[:4]]
    with pytest.raises(Missing):
        open_in(home, "spark/country=X*")


@pytest.mark.parametrize("kind", _kinds(("s3", "azure", "web")))
def test_an_object_that_is_replaced_while_it_is_read_is_never_mixed(
    kind: str, make_home: Callable[[str], Home]
) -> None:
    """Not a row of the new one comes after rows of the old one."""
    home = make_home(kind)
    for name in ("ann", "bob"):
        if name == "bob":
            batches = open_in(home, "a.ndjson").read(["n"])
            seen = set(next(batches).column("n").to_pylist())
        home.put("a.ndjson", b"".join(b'{"n":"%s","x":"%s"}\n' % (name.encode(), b"x" * 90) for _ in range(150_000)))
    with pytest.raises(SnapshotChanged, match=r"a\.ndjson"):
        seen.update(name for batch in batches for name in batch.column("n").to_pylist())
    assert seen == {"ann"}


@pytest.mark.parametrize("kind", _kinds(FILES))
def test_nothing_is_read_outside_the_roots(kind: str, make_home: Callable[[str], Home]) -> None:
    """A root is a folder and not the beginning of a name."""
    home = make_home(kind)
    home.put("private/a.csv", b"Email\na@example.org\n")
    for root in (f"{home.base}/open", f"{home.base}/priv", f"{home.base}/private/a.csv/b"):
        with pytest.raises(OutsideRoots):
            open_snapshot(f"{home.base}/private/a.csv", [read_root(root)], home.trusted)
    with pytest.raises(OutsideRoots):
        open_snapshot(f"{home.base}/private/a.csv", [], home.trusted)
    for root in (f"{home.base}/private", f"{home.base}/private/a.csv"):
        assert _read(open_snapshot(f"{home.base}/private/a.csv", [read_root(root)], home.trusted), ["Email"])


@pytest.mark.needs("npm")
def test_an_account_of_azure_may_be_written_in_both_ways(make_home: Callable[[str], Home]) -> None:
    """A root in one allows a snapshot in the other."""
    home = make_home("azure")
    home.put("ä b.csv", b"Email\na@example.org\n")
    blob = home.base.replace("abfss://", "https://devstoreaccount1.blob.core.windows.net/").replace(
        "@devstoreaccount1.dfs.core.windows.net", ""
    )
    snapshot = open_snapshot(f"{blob}/%C3%A4%20b.csv", [read_root(home.base)])
    assert _read(snapshot, ["Email"]) == [["a@example.org"]]
    assert snapshot.pin() == open_in(home, "ä b.csv").pin()


@pytest.mark.needs("npm")
def test_a_key_that_is_refused_is_said_with_the_object_and_without_the_key(
    make_home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person renews it, and begins another run."""
    home = make_home("azure")
    home.put("a.csv", b"Email\na@example.org\n")
    snapshot = open_in(home, "a.csv")
    told = f"AccountName={homes.ACCOUNT};AccountKey={'A' * 86}==;BlobEndpoint="
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        told + os.environ["AZURE_STORAGE_CONNECTION_STRING"].split("BlobEndpoint=")[1],
    )
    with pytest.raises(SourceForbidden, match=r"a\.csv: the store refuses our credentials") as caught:
        open_in(home, "a.csv")
    assert "AAAA" not in str(caught.value)
    assert snapshot.columns() == ["Email"]


@pytest.mark.parametrize("kind", _kinds(("s3", "azure", "google", "web")))
def test_an_interrupted_read_goes_on_where_it_was(
    kind: str, make_home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer of more than 1.5 MB breaks off, and no row is lost or doubled."""
    home = make_home(kind)
    home.put("a.ndjson", b"".join(b'{"n":%d,"x":"%s"}\n' % (at, b"x" * 90) for at in range(130_000)))
    variable = {"s3": "AWS_ENDPOINT_URL", "azure": "AZURE_STORAGE_CONNECTION_STRING", "google": "STORAGE_EMULATOR_HOST"}
    said = os.environ[variable[kind]] if kind in variable else home.base
    found = re.search(r"http://127\.0\.0\.1:(\d+)", said)
    assert found is not None
    monkeypatch.setattr(range_reader, "FIRST_PAUSE_SECONDS", 0.0)
    with closing(homes.CuttingProxy(int(found[1]))) as proxy:
        cut = said.replace(found[0], proxy.url)
        if kind in variable:
            monkeypatch.setenv(variable[kind], cut)
            snapshot = open_in(home, "a.ndjson")
        else:
            snapshot = open_snapshot(
                f"{cut}/a.ndjson", [read_root(cut)], frozenset({proxy.url.removeprefix("http://")})
            )
        batches = snapshot.read(["n"])
        rows = next(batches).num_rows
        proxy.most = 1_500_000
        numbers = [int(each) for batch in batches for each in batch.column("n").to_pylist()]
    assert numbers == list(range(rows, 130_000))
    assert proxy.cuts > 0


@pytest.mark.parametrize("kind", _kinds(("s3", "azure")))
def test_a_model_is_read_where_it_lives(kind: str, make_home: Callable[[str], Home]) -> None:
    """Azure Synapse's export to a Data Lake, or a copy of it."""
    home = make_home(kind)
    location = "https://acme.dfs.core.windows.net/exports/crm/contact/2026%20Q1.csv"
    entity = {
        "name": "contact",
        "attributes": [{"name": "Email", "dataType": "string"}, {"name": "Vip", "dataType": "boolean"}],
        "partitions": [{"name": "2026 Q1", "location": location}],
    }
    home.put("crm/model.json", json.dumps({"name": "cdm", "version": "1.0", "entities": [entity]}).encode())
    home.put("crm/contact/2026 Q1.csv", b'"ann@example.org","True"\n')
    for name in ("crm", "crm/model.json", "crm/model.json#contact", "crm/contact/2026 Q1.csv", "crm/contact"):
        assert _read(open_in(home, name), ["Email", "Vip"]) == [["ann@example.org", "true"]]


@pytest.mark.parametrize(
    ("status", "error"), [(400, SourceForbidden), (403, SourceForbidden), (404, Missing), (503, SourceUnreachable)]
)
def test_what_a_store_refuses_is_said(
    status: int, error: type[Exception], make_home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 answers 400 to an expired token, without a word; one that is down is asked again, and given up."""
    web = make_home("web")
    assert isinstance(web, homes.WebHome)
    monkeypatch.setattr(web.server.RequestHandlerClass.func, "status", status)  # type: ignore[attr-defined]
    for name, value in {
        "AWS_ENDPOINT_URL": web.base,
        "AWS_REGION": "x",
        "AWS_ACCESS_KEY_ID": "i",
        "AWS_SECRET_ACCESS_KEY": "s",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(error, match=r"s3://bucket/a\.csv"):
        open_snapshot("s3://bucket/a.csv", [read_root("s3://bucket")])
    with pytest.raises(Unsupported if status == 400 else error, match=rf"a\.csv: .*{status}"):
        open_in(web, "a.csv")


@pytest.mark.parametrize("kind", _kinds(FILES + TABLES))
def test_a_preview_shows_columns_types_and_masked_rows(kind: str, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at the beginning, whatever the place."""
    opened = hold(kind, _profiles(50))()
    assert isinstance(opened, FileSnapshot)
    shown = preview(opened)
    assert set(shown.columns) >= {"Email", "Points", "Vip"}
    assert shown.columns["Points"] in {"double", "string"}
    assert shown.rows == (None if kind in TABLES else 50)
    assert len(shown.beginning) == 10
    assert shown.beginning[1]["Email"] == "p***@example.org"
    assert shown.beginning[1]["Name"] == 'Zoë, née "Li"'


@pytest.mark.needs("pg_virtualenv")
def test_a_query_reads_and_cannot_write(hold: Hold, servers: Servers) -> None:
    """Whatever is asked, and whoever the operator lets ask."""
    hold("postgresql", _profiles(30))
    told = servers.told("postgresql")
    where = f"postgresql://{told['PGHOST']}:{told['PGPORT']}/{told['PGDATABASE']}"

    def ask(query: str) -> Snapshot:
        return open_snapshot(f"{where}?query={quote(query)}&key=id", [read_root(where)])

    chosen = ask("SELECT id, \"Email\", 'x@y'::text AS other FROM people WHERE id >= 28;")
    assert _read(chosen, ["Email", "other"]) == [["person28@example.org", "x@y"], ["person29@example.org", "x@y"]]
    for query in (
        "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone",
        "SELECT 1 AS id; DROP TABLE people",
        "SELECT 1) TO PROGRAM 'touch /tmp/written' --",
        "SELECT id FROM people FOR UPDATE",
    ):
        with pytest.raises(Unsupported, match="refuses the query"):
            ask(query).pin()
    assert len(_read(ask("SELECT * FROM people"), ["Email"])) == 30


@pytest.mark.needs("pg_virtualenv")
def test_no_transaction_outlives_the_taking_of_an_answer(hold: Hold, servers: Servers) -> None:
    """A run may take 40 minutes to read; the database is done with it before the first row is handed out."""
    batches = hold("postgresql", _profiles())().read(["Email"])
    assert next(batches).num_rows > 0
    told = servers.told("postgresql")
    where = f"postgresql://{told['PGHOST']}:{told['PGPORT']}/{told['PGDATABASE']}"
    with adbc_driver_postgresql.dbapi.connect(where) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone() == (0,)
    assert sum(batch.num_rows for batch in batches) > 0


@pytest.mark.needs("pg_virtualenv")
def test_a_database_that_does_not_let_us_in_is_said(
    hold: Hold, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With neither user nor password."""
    open_ = hold("postgresql", _profiles(1))
    monkeypatch.setenv("PGPASSWORD", "hush")
    with pytest.raises(SourceForbidden, match=r"postgresql://.* \(public\.people\)") as caught:
        open_().pin()
    assert "hush" not in str(caught.value)
    told = servers.told("postgresql")
    for where, error in (
        (f"postgresql://{told['PGHOST']}:1/postgres", SourceUnreachable),
        ("postgresql://localhost/x", Exception),
    ):
        with pytest.raises(error):
            open_snapshot(f"{where}?table=people&key=id", [read_root(where)]).pin()


def test_what_duckdb_writes_is_read(tmp_path: Path) -> None:
    """With the types that it has and others have not."""
    query = """
        SELECT 'person' || i || '@example.org' AS Email, '5e47a5c4-aa03-41b6-b0d1-d375efcd992' || i AS text_id,
               uuid '5e47a5c4-aa03-41b6-b0d1-d375efcd9920' AS id, (i / 2)::DECIMAL(18, 2) AS points, i::HUGEINT AS huge,
               TIMESTAMPTZ '2026-01-01 10:00:00.5+02' AS seen, 'gold'::ENUM ('gold', 'blue') AS tier, ['a', 'b'] AS tags
        FROM range(3) t(i)
    """
    columns = ["Email", "id", "points", "huge", "seen", "tier", "tags"]
    expected = [
        [
            f"person{at}@example.org",
            "5e47a5c4-aa03-41b6-b0d1-d375efcd9920",
            points,
            str(at),
            "2026-01-01T08:00:00.5Z",
            "gold",
            "||a||b||",
        ]
        for at, points in enumerate(["0.00", "0.50", "1.00"])
    ]
    with duckdb.connect() as connection:
        connection.sql(f"COPY ({query}) TO '{tmp_path}/a.parquet' (COMPRESSION zstd)")
        connection.sql(f"COPY ({query}) TO '{tmp_path}/a.csv.gz' (DELIMITER '|')")
        connection.sql(f"COPY ({query}) TO '{tmp_path}/parts' (FORMAT parquet, PARTITION_BY (tier))")
    for name in ("a.parquet", "parts"):
        assert sorted(_read(open_snapshot(f"{tmp_path}/{name}", [tmp_path]), columns)) == expected
    texts = _read(open_snapshot(f"{tmp_path}/a.csv.gz", [tmp_path]), ["Email", "id", "points"])
    assert texts == [row[:3] for row in expected]


def test_a_name_that_resolves_to_a_private_address_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the setting allows it: it may have changed its mind since."""

    def resolve(host: str, port: int, *_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    uri = "https://files.example.com/a.csv"
    with pytest.raises(SourceForbidden, match="not a public one"):
        open_snapshot(uri, [read_root(uri)])


def test_a_redirect_is_not_followed(make_home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch) -> None:
    """It would lead out of what an operator allowed."""
    home = make_home("web")
    assert isinstance(home, homes.WebHome)
    monkeypatch.setattr(home.server.RequestHandlerClass.func, "status", 302)  # type: ignore[attr-defined]
    with pytest.raises(Unsupported, match="points elsewhere"):
        open_in(home, "a.csv")


def test_an_account_s_key_is_found_where_azure_s_own_tools_look() -> None:
    """And another account's is left alone."""
    place = AzureStorage().place("abfss://exports@acme.dfs.core.windows.net/a.csv")
    for environment, secret in (
        ({"AZURE_STORAGE_KEY": "a2V5"}, {"account_key": "a2V5"}),
        ({"AZURE_STORAGE_KEY": "a2V5", "AZURE_STORAGE_ACCOUNT": "other"}, {}),
        ({"AZURE_STORAGE_SAS_TOKEN": "sig"}, {"sas_token": "sig"}),
        ({"AZURE_STORAGE_CONNECTION_STRING": "AccountName=other;AccountKey=a2V5"}, {}),
        ({"AZURE_STORAGE_CONNECTION_STRING": "AccountName=acme;AccountKey=a2V5"}, {"account_key": "a2V5"}),
    ):
        told = access("acme", "core.windows.net", environment)
        assert {name: value for name, value in told.items() if not name.endswith("authority")} == secret
        assert told["blob_storage_authority"] == ".blob.core.windows.net"
    assert str(place) == "abfss://exports@acme.dfs.core.windows.net/a.csv"


@pytest.mark.parametrize("kind", _kinds(("local", "s3", "azure")))
def test_a_delta_table_is_what_its_log_says(kind: str, make_home: Callable[[str], Home], tmp_path: Path) -> None:
    """Rows that were deleted stay in files that are the table's no more."""
    table, folder = pa.table({"Email": ["ann", "bob", "cid"], "c": ["AT", "D E", "AT"]}), tmp_path / "table"
    deltalake.write_deltalake(folder, table.slice(0, 2), partition_by=["c"])
    deltalake.write_deltalake(folder, table.slice(2), mode="append")
    deltalake.DeltaTable(folder).delete("Email = 'ann'")
    home = make_home(kind)
    for file in folder.rglob("*"):
        if file.is_file():
            home.put(f"table/{file.relative_to(folder)}", file.read_bytes())
    assert _read(open_in(home, "table"), ["Email", "c"]) == [["cid", "AT"], ["bob", "D E"]]
    for part in ("table/c=AT", "table/c=A*/*.parquet"):
        with pytest.raises(Unsupported, match="part of the Delta Lake table"):
            open_in(home, part)


def test_a_delta_table_that_its_files_do_not_tell_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one read without what reads its log."""
    deltalake.write_deltalake(
        tmp_path, pa.table({"Email": ["ann"]}), configuration={"delta.enableDeletionVectors": "true"}
    )
    with pytest.raises(Unsupported, match="uses deletionVectors"):
        open_snapshot(str(tmp_path), [tmp_path])
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(Unsupported, match=r"segment-export\[delta\]"):
        open_snapshot(str(tmp_path), [tmp_path])
