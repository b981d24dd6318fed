"""Every kind of place that snapshots come from, in one table: the only list that a new source is added to."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from producer.snapshots.errors import SnapshotError, Unsupported
from producer.snapshots.file import File
from producer.snapshots.locations.azure import AzureStorage, is_azure
from producer.snapshots.locations.bigquery import BigQuery
from producer.snapshots.locations.gcs import GoogleCloudStorage
from producer.snapshots.locations.local_files import LocalFile, find_files
from producer.snapshots.locations.postgresql import PostgreSQL
from producer.snapshots.locations.s3 import S3
from producer.snapshots.locations.snowflake import Snowflake
from producer.snapshots.locations.sqlite import SQLite
from producer.snapshots.locations.web import Web
from producer.snapshots.snapshot import Source
from producer.snapshots.uris import Root, SnapshotUri, check_allowed, scheme_of

_SOURCES: Final[Mapping[str, Callable[[], Source]]] = {
    "s3": S3,
    "s3a": S3,
    "abfss": AzureStorage,
    "abfs": AzureStorage,
    "gs": GoogleCloudStorage,
    "postgresql": PostgreSQL,
    "postgres": PostgreSQL,
    "sqlite": SQLite,
    "snowflake": Snowflake,
    "bigquery": BigQuery,
}


def check_place(uri: str, roots: Sequence[Root], trusted_hosts: frozenset[str] = frozenset()) -> None:
    """Raise SnapshotError for a place that is not to be read; outside this machine nobody is asked whether it is there."""
    scheme = scheme_of(uri)
    if scheme is None:
        find_files(uri, local(roots))
        return
    _allowed(_source(scheme, uri, trusted_hosts).place(uri), roots)


def find(uri: str, roots: Sequence[Root], trusted_hosts: frozenset[str]) -> Sequence[File]:
    """Return the files behind a URI below the roots, in order of name. Raises SnapshotError."""
    scheme = scheme_of(uri)
    if scheme is None:
        return [LocalFile(path) for path in find_files(uri, local(roots))]
    source = _source(scheme, uri, trusted_hosts)
    place = source.place(uri)
    _allowed(place, roots)
    return source.find(place)


def read_root(text: str) -> Root:
    """Read one of SNAPSHOT_ROOTS: an absolute directory, or a URI that allows everything below it. Raises ValueError."""
    scheme = scheme_of(text)
    if scheme is None:
        if not Path(text).is_absolute():
            raise ValueError(f"must hold absolute paths and URIs, not {text!r}")
        return Path(text)
    try:
        return _root(scheme, text)
    except SnapshotError as error:
        raise ValueError(f"holds a URI that is none to read snapshots from: {error}") from None


def local(roots: Sequence[Root]) -> list[Path]:
    """Return the roots that are directories of this machine."""
    return [root for root in roots if isinstance(root, Path)]


def _root(scheme: str, text: str) -> Root:
    if scheme == "sqlite":
        raise Unsupported("allow the directory of an SQLite file, as a path")
    if scheme in _TABLES:
        # What a root allows is a database with all that its user may read; table and key are the snapshot's to say.
        place = _source(scheme, text, frozenset()).place(f"{text}?table=any&key=any")
        return place._replace(query=())
    trusted = frozenset({text.partition("://")[2].partition("/")[0].lower()}) if scheme == "http" else frozenset()
    return _source(scheme, text, _with_port(trusted)).place(text)


def _with_port(hosts: frozenset[str]) -> frozenset[str]:
    return frozenset(host if host.rpartition(":")[2].isdecimal() else f"{host}:80" for host in hosts)


_TABLES: Final = frozenset({"postgresql", "postgres", "snowflake", "bigquery"})


def _source(scheme: str, uri: str, trusted_hosts: frozenset[str]) -> Source:
    if scheme in {"https", "http"}:
        return AzureStorage() if scheme == "https" and is_azure(uri) else Web(trusted_hosts)
    if scheme not in _SOURCES:
        raise Unsupported(f"{scheme}:// is none of {' '.join(sorted({*_SOURCES, 'file', 'http', 'https'}))}")
    return _SOURCES[scheme]()


def _allowed(place: SnapshotUri, roots: Sequence[Root]) -> None:
    if place.scheme == "sqlite":
        find_files(f"/{place.path}", local(roots))
    else:
        check_allowed(place, roots)
