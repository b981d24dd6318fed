"""
Reads `s3://bucket/key`: Amazon S3, and what speaks its protocol at `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`.

Credentials come from AWS's own chain: environment, profile, web identity, container, machine. Nothing of it is a setting.
"""

import functools
import os
from collections.abc import Mapping, Sequence

from pyarrow import fs

from producer.snapshots.file import File
from producer.snapshots.locations.arrow_bucket import ArrowBucket
from producer.snapshots.locations.object_store import find
from producer.snapshots.uris import SnapshotUri, stored

SDK_ATTEMPTS = 3
"""Of the SDK itself, within seconds; what lasts longer is ours to wait for."""


class S3:
    """Amazon S3."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def place(self, uri: str) -> SnapshotUri:
        """Read `s3://bucket/key`, which Spark calls `s3a`."""
        return stored(uri, "s3://bucket/key")._replace(scheme="s3")

    def find(self, place: SnapshotUri) -> Sequence[File]:
        """Return what is at a key, below a prefix or matches a glob."""
        return find(self.bucket(place), place)

    def bucket(self, place: SnapshotUri) -> ArrowBucket:
        """Return the bucket of a place."""
        told = self._environment
        endpoint = told.get("AWS_ENDPOINT_URL_S3") or told.get("AWS_ENDPOINT_URL")
        filesystem = fs.S3FileSystem(
            endpoint_override=endpoint,
            region=told.get("AWS_REGION") or told.get("AWS_DEFAULT_REGION") if endpoint else _region(place.owner),
            request_timeout=60,
            connect_timeout=10,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=SDK_ATTEMPTS),
        )
        return ArrowBucket(filesystem, place.owner, place._replace(path=""))


def _region(bucket: str) -> str | None:
    """Say where a bucket is: the region of this machine may be another one. None leaves it to AWS's chain."""
    try:
        return _resolved(bucket)
    except OSError:
        return None


@functools.cache
def _resolved(bucket: str) -> str:
    return str(fs.resolve_s3_region(bucket))
