"""
Reads `abfss://container@account.dfs.core.windows.net/path` and `https://account.blob.core.windows.net/container/path`.

Both name the same place of Azure Blob Storage or Data Lake. Credentials come from the environment: `AZURE_STORAGE_CONNECTION_STRING`
(of that account; its `BlobEndpoint` may be an emulator), `AZURE_STORAGE_KEY` or `AZURE_STORAGE_SAS_TOKEN`; without any, from
Azure's own chain: environment, workload identity, managed identity, command line.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pyarrow import fs

from producer.snapshots.errors import Unsupported
from producer.snapshots.file import File
from producer.snapshots.locations.arrow_bucket import ArrowBucket
from producer.snapshots.locations.object_store import find
from producer.snapshots.uris import SnapshotUri, plain_path, refuse_secrets

FORM: Final = (
    "abfss://container@account.dfs.core.windows.net/path or https://account.blob.core.windows.net/container/path"
)
CLOUDS: Final = r"core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)"

_ACCOUNT: Final = re.compile(rf"([a-z0-9]{{3,24}})\.(?:blob|dfs)\.({CLOUDS})")
_CONTAINER: Final = re.compile(r"\$web|\$root|[a-z0-9][a-z0-9-]{1,62}")


def is_azure(uri: str) -> bool:
    """Whether an https URI is one of Azure Storage."""
    return bool(_ACCOUNT.fullmatch(urlsplit(uri).hostname or ""))


class AzureStorage:
    """Azure Blob Storage and Data Lake Storage."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def place(self, uri: str) -> SnapshotUri:
        """Read both forms into one, so that a root in one covers a snapshot in the other."""
        scheme, _, rest = uri.partition("://")
        owner, _, path = rest.partition("/")
        if scheme.lower() == "https":
            host = owner
            if "@" in owner:
                raise Unsupported(f"a snapshot's URI holds no user and no secret: {FORM}")
            # Only this form is a URL, with encoded characters and a query; a `?` that is no query is a wildcard.
            refuse_secrets(path.partition("?")[2])
            container, _, path = unquote(path).partition("/")
        else:
            refuse_secrets(path.partition("?")[2])
            container, _, host = owner.rpartition("@")
        account = _ACCOUNT.fullmatch(host.lower())
        if not account or not _CONTAINER.fullmatch(container):
            raise Unsupported(f"not {FORM}")
        return SnapshotUri("abfss", f"{container}@{account[1]}.dfs.{account[2]}", plain_path(path))

    def find(self, place: SnapshotUri) -> Sequence[File]:
        """Return what is at a path, below it or matches a glob."""
        return find(self.bucket(place), place)

    def bucket(self, place: SnapshotUri) -> ArrowBucket:
        """Return the container of a place."""
        container, _, host = place.owner.partition("@")
        account, _, cloud = host.partition(".dfs.")
        filesystem = fs.AzureFileSystem(account, **access(account, cloud, self._environment))
        return ArrowBucket(filesystem, container, place._replace(path=""))


def access(account: str, cloud: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return how an account is spoken to and with which secret, if the environment has one for this account."""
    where = {"blob_storage_authority": f".blob.{cloud}", "dfs_storage_authority": f".dfs.{cloud}"}
    parts = environment.get("AZURE_STORAGE_CONNECTION_STRING", "").split(";")
    said = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in parts)}
    if said.get("accountname") == account:
        if endpoint := said.get("blobendpoint"):
            url = urlsplit(endpoint)
            own = url.netloc.removeprefix(account) if url.netloc.startswith(f"{account}.") else url.netloc
            # An emulator has one endpoint for both, with the account in the path; Arrow puts that there itself.
            where = {"blob_storage_authority": own, "dfs_storage_authority": own.replace(".blob.", ".dfs.")}
            where |= {"blob_storage_scheme": url.scheme, "dfs_storage_scheme": url.scheme}
        secret = {"account_key": said.get("accountkey"), "sas_token": said.get("sharedaccesssignature")}
    elif environment.get("AZURE_STORAGE_ACCOUNT", account) == account:
        secret = {
            "account_key": environment.get("AZURE_STORAGE_KEY"),
            "sas_token": environment.get("AZURE_STORAGE_SAS_TOKEN"),
        }
    else:
        secret = {}
    for name in ("account_key", "sas_token"):
        if secret.get(name):
            return {**where, name: secret[name]}
    return where
