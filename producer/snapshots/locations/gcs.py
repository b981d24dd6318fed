"""
Reads `gs://bucket/object` of Google Cloud Storage, through Google's own client (the extra `gcs`).

Arrow's filesystem would do for S3 and Azure alone: its files of Google's begin to download the whole object whenever one is
opened. Credentials are Google's application default ones: `GOOGLE_APPLICATION_CREDENTIALS`, workload identity, the machine's;
`STORAGE_EMULATOR_HOST` names an emulator, which is asked without any.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, NoReturn

from producer.snapshots.errors import Missing, SnapshotChanged, SourceForbidden
from producer.snapshots.file import File, FileState
from producer.snapshots.locations.object_store import find
from producer.snapshots.locations.range_reader import Interrupted, Ranges
from producer.snapshots.optional_imports import needed
from producer.snapshots.uris import SnapshotUri, stored

TIMEOUT_SECONDS: Final = (10.0, 60.0)
"""To connect, and between two bytes."""

EXTRA: Final = "gcs"


class GoogleCloudStorage:
    """Google Cloud Storage."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def place(self, uri: str) -> SnapshotUri:
        """Read `gs://bucket/object`."""
        return stored(uri, "gs://bucket/object")

    def find(self, place: SnapshotUri) -> Sequence[File]:
        """Return what is at a name, below a prefix or matches a glob."""
        storage = needed("google.cloud.storage", EXTRA)
        try:
            emulated = bool(self._environment.get("STORAGE_EMULATOR_HOST"))
            client = storage.Client.create_anonymous_client() if emulated else storage.Client()
        except needed("google.auth.exceptions", EXTRA).GoogleAuthError:
            raise SourceForbidden(f"{place}: there are no application default credentials of Google's here") from None
        return find(GoogleBucket(client.bucket(place.owner), place._replace(path="")), place)


@dataclass(frozen=True)
class GoogleBucket:
    """A bucket as Google's client knows it."""

    bucket: Any
    place: SnapshotUri

    def below(self, folder: str) -> Sequence[tuple[str, FileState | None]]:
        """List everything below a folder, with its generations."""
        try:
            prefix = f"{folder}/" if folder else None
            blobs = self.bucket.client.list_blobs(self.bucket, prefix=prefix, timeout=TIMEOUT_SECONDS)
            return [(blob.name, _state(blob)) for blob in blobs if not blob.name.endswith("/")]
        except _errors() as error:
            self.explain(error, folder)

    def holds(self, folder: str) -> bool:
        """Ask whether anything lies below a folder."""
        try:
            prefix = f"{folder}/"
            return any(True for _ in self.bucket.client.list_blobs(self.bucket, prefix=prefix, max_results=1))
        except _errors() as error:
            self.explain(error, folder)

    def look(self, key: str) -> FileState:
        """Return what an object is now."""
        try:
            blob = self.bucket.get_blob(key, timeout=TIMEOUT_SECONDS)
        except _errors() as error:
            self.explain(error, key)
        if blob is None:
            raise Missing(f"{self.place._replace(path=key)}: there is no such object, or none that we may see")
        return _state(blob)

    def ranges(self, key: str, pinned: FileState) -> Ranges:
        """Return the bytes of one generation of an object."""
        return _GoogleRanges(self, key, pinned)

    def explain(self, error: Exception, key: str) -> NoReturn:
        """Say in our words what Google's client says; its text stays here."""
        called, code, kind = self.place._replace(path=key), getattr(error, "code", None), type(error).__name__
        authentication = needed("google.auth.exceptions", EXTRA)
        if code == HTTPStatus.NOT_FOUND:
            raise Missing(f"{called}: there is no such object, or none that we may see ({kind})") from None
        if code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise SourceForbidden(
                f"{called}: the store refuses our credentials, or they have expired ({kind})"
            ) from None
        if isinstance(error, authentication.GoogleAuthError) and not isinstance(error, authentication.TransportError):
            raise SourceForbidden(f"{called}: our credentials are not to be had, or have expired ({kind})") from None
        raise Interrupted(kind) from None


@dataclass(frozen=True)
class _GoogleRanges:
    bucket: GoogleBucket
    key: str
    pinned: FileState

    def fetch(self, offset: int, length: int) -> bytes:
        """Return bytes of the pinned generation."""
        blob = self.bucket.bucket.blob(self.key)
        try:
            octets: bytes = blob.download_as_bytes(
                start=offset,
                end=offset + length - 1,
                raw_download=True,
                if_generation_match=int(self.pinned.version),
                checksum=None,
                retry=None,
                timeout=TIMEOUT_SECONDS,
            )
        except needed("google.api_core.exceptions", EXTRA).PreconditionFailed:
            called = self.bucket.place._replace(path=self.key)
            raise SnapshotChanged(f"{called}: the object was replaced while the run was reading it") from None
        except _errors() as error:
            self.bucket.explain(error, self.key)
        if not octets:
            raise Interrupted("an empty answer")
        return octets

    def close(self) -> None:
        """Nothing is held between requests."""


def _state(blob: Any) -> FileState:
    return FileState(int(blob.size), str(blob.generation))


def _errors() -> tuple[type[Exception], ...]:
    """What Google's client raises: its own errors, those of authentication, and those of the line."""
    return (
        needed("google.api_core.exceptions", EXTRA).GoogleAPIError,
        needed("google.auth.exceptions", EXTRA).GoogleAuthError,
        needed("requests.exceptions", EXTRA).RequestException,
        needed("urllib3.exceptions", EXTRA).HTTPError,
        OSError,
    )
