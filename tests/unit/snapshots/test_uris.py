"""A URI names a place and never a secret, and a place is read only below a root."""

import sys
from pathlib import Path

import pytest

from producer.settings import read_settings
from producer.snapshots import check_place, open_snapshot, read_root
from producer.snapshots.errors import OutsideRoots, SnapshotError, Unsupported
from wire.process.settings import SettingsError

ROOTS = (
    "s3://bucket/segments",
    "gs://other",
    "abfss://exports@acme.dfs.core.windows.net/ci",
    "https://files.example.com/segments",
    "http://127.0.0.1:8000",
    "postgresql://db.internal:5432/crm",
    "snowflake://acme-x1/crm/public",
    "bigquery://project/dataset",
)
TRUSTED = frozenset({"127.0.0.1:8000"})


def _check(uri: str, *roots: str) -> None:
    check_place(uri, [read_root(root) for root in roots or ROOTS], TRUSTED)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/segments",
        "s3://bucket/segments/vip/*.parquet",
        "s3://bucket/segments/a b=1/ü?.csv",
        "s3a://bucket/segments/vip/part-0.parquet",
        "gs://other/anything",
        "abfss://exports@acme.dfs.core.windows.net/ci/model.json",
        "https://acme.blob.core.windows.net/exports/ci/a%20b.csv",
        "https://files.example.com/segments/a.csv?day=2026-11-24",
        "HTTPS://Files.Example.com:443/segments/a.csv",
        "http://127.0.0.1:8000/a.csv",
        "postgresql://db.internal:5432/crm?table=public.people&key=id",
        "postgres://db.internal:5432/crm?query=SELECT%201%20AS%20id&key=id",
        "snowflake://acme-x1/crm/public?table=people&key=id&warehouse=small",
        "bigquery://project/dataset?table=people&key=id",
    ],
)
def test_what_is_below_a_root_is_allowed(uri: str) -> None:
    """Nobody is asked whether it is there."""
    _check(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket",
        "s3://bucket/segments-private/a.csv",
        "s3://bucket/*/a.csv",
        "s3://bucket/seg*",
        "s3://bucket2/segments/a.csv",
        "gs://bucket/segments/a.csv",
        "abfss://exports@other.dfs.core.windows.net/ci/a.csv",
        "https://acme.blob.core.windows.net/private/ci/a.csv",
        "https://files.example.com/a.csv",
        "https://files.example.com:8443/segments/a.csv",
        "postgresql://db.internal:5432/payroll?table=people&key=id",
        "postgresql://db.internal:5433/crm?table=people&key=id",
        "snowflake://acme-x1/crm/private?table=people&key=id",
        "sqlite:///etc/people.db?table=people&key=id",
    ],
)
def test_what_is_not_below_a_root_is_refused(uri: str) -> None:
    """A root is a folder and no beginning of a name."""
    with pytest.raises(OutsideRoots):
        _check(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://AKIAIOSFODNN7:hush@bucket/segments/a.csv",
        "s3://bucket/segments/a.csv?AWSAccessKeyId=x&Signature=hush",
        "https://acme.blob.core.windows.net/exports/ci/a.csv?sv=2022&sig=hush",
        "abfss://exports@acme.dfs.core.windows.net/ci/a.csv?sv=2022&sig=hush",
        "https://user:hush@files.example.com/segments/a.csv",
        "https://files.example.com/segments/a.csv?X-Amz-Signature=hush",
        "https://files.example.com/segments/a.csv?access_token=hush",
        "https://files.example.com/segments/a.csv?api_key=hush",
        "https://files.example.com/segments/a.csv?key=hush",
        "postgresql://user:hush@db.internal:5432/crm?table=people&key=id",
        "postgresql://db.internal:5432/crm?table=people&key=id&password=hush",
    ],
)
def test_a_secret_is_refused_and_not_repeated(uri: str) -> None:
    """URIs end in logs, in the record and on screens."""
    with pytest.raises(Unsupported, match="holds no") as caught:
        _check(uri)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/segments/../private/a.csv",
        "https://files.example.com/segments/%2e%2e/a.csv",
        "https://files.example.com/segments%2Fa.csv",
        "https://files.example.com/segments/a.csv#x",
        "https://10.0.0.1/segments/a.csv",
        "https://localhost/a.csv",
        "http://files.example.com/segments/a.csv",
        "http://169.254.169.254/latest/meta-data",
        "ftp://files.example.com/a.csv",
        "s3:///a.csv",
        "s3://bucket/a\n.csv",
        "abfss://acme.dfs.core.windows.net/ci/a.csv",
        "abfss://exports@acme.example.com/ci/a.csv",
        "postgresql://db.internal:5432/crm",
        "postgresql://db.internal:5432/crm?table=people",
        "postgresql://db.internal:5432/crm?table=people&query=SELECT%201&key=id",
        "postgresql://db.internal:5432/crm?query=DROP%20TABLE%20people&key=id",
        "postgresql://db.internal:5432/crm?table=people&key=id&sslmode=disable",
        "snowflake://acme-x1/crm/public/more?table=people&key=id",
    ],
)
def test_what_is_no_place_to_read_is_refused(uri: str) -> None:
    """Before anybody is asked."""
    with pytest.raises(Unsupported):
        _check(uri)


def test_without_roots_nothing_is_readable() -> None:
    """Nor does a directory allow anything elsewhere."""
    for uri in ("s3://bucket/a.csv", "https://files.example.com/a.csv"):
        with pytest.raises(OutsideRoots):
            check_place(uri, [Path("/")])


def test_a_setting_holds_directories_and_places_and_every_wrong_one_is_named() -> None:
    """At start."""
    environment = {
        "SEGMENT_EXPORT_SECRET_KEYS": "A" * 43 + "=",
        "SEGMENT_EXPORT_ADMIN_TOKEN": "token",
        "SEGMENT_EXPORT_SNAPSHOT_ROOTS": "/data, s3://bucket/segments",
    }
    assert read_settings(environment).snapshot_roots == (Path("/data"), read_root("s3://bucket/segments"))
    for wrong in ("data", "ftp://host/x", "s3://key:hush@bucket", "sqlite:///data/x.db"):
        with pytest.raises(SettingsError, match="SNAPSHOT_ROOTS") as caught:
            read_settings(environment | {"SEGMENT_EXPORT_SNAPSHOT_ROOTS": wrong})
        assert "hush" not in str(caught.value)


def test_an_extra_that_is_not_installed_is_said_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the run begins, not when the producer does."""
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    with pytest.raises(SnapshotError, match=r"pip install 'segment-export\[postgresql\]'"):
        open_snapshot("postgresql://db/crm?table=people&key=id", [read_root("postgresql://db/crm")])
