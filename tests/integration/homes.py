"""Where snapshots live, as tests see it: each home keeps files or a table in a real server and says their URI."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Protocol

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from google.cloud import storage

from deploy.local.valkey import free_port
from producer.snapshots import Root, Snapshot, open_snapshot, read_root
from tests.integration.npm import installed

AZURITE: Final = "azurite@3.37.0"
ACCOUNT: Final = "devstoreaccount1"
ACCOUNT_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own, printed in its documentation."""

START_SECONDS: Final = 60.0


class Home(Protocol):
    """A place that files are put into."""

    @property
    def base(self) -> str:
        """The URI below which its files are; also the root that allows them."""
        ...

    @property
    def trusted(self) -> frozenset[str]:
        """The hosts that an operator must trust for it."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep a file, in place of the one before."""
        ...

    def take(self, name: str) -> None:
        """Delete a file."""
        ...


def open_in(home: Home, name: str) -> Snapshot:
    """Open what is kept under a name."""
    return open_snapshot(f"{home.base}/{name}", [root_of(home)], home.trusted)


def root_of(home: Home) -> Root:
    """Return the root that allows a home and nothing else."""
    return read_root(home.base)


@dataclass
class LocalHome:
    """A directory."""

    directory: Path
    trusted: frozenset[str] = frozenset()

    @property
    def base(self) -> str:
        return str(self.directory)

    def put(self, name: str, data: bytes) -> None:
        file = self.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def take(self, name: str) -> None:
        (self.directory / name).unlink()


@dataclass
class S3Home:
    """A bucket of moto's."""

    bucket: str
    client: Any
    trusted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.base = f"s3://{self.bucket}/segments"
        self.client.create_bucket(Bucket=self.bucket)

    def put(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"segments/{name}", Body=data)

    def take(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=f"segments/{name}")


@dataclass
class AzureHome:
    """A container of Azurite's."""

    container: str
    service: BlobServiceClient
    trusted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.base = f"abfss://{self.container}@{ACCOUNT}.dfs.core.windows.net/segments"
        with suppress(ResourceExistsError):
            self.service.create_container(self.container)

    def put(self, name: str, data: bytes) -> None:
        self.service.get_blob_client(self.container, f"segments/{name}").upload_blob(data, overwrite=True)

    def take(self, name: str) -> None:
        self.service.get_blob_client(self.container, f"segments/{name}").delete_blob()


@dataclass
class GoogleHome:
    """A bucket of the emulator's."""

    bucket: str
    client: storage.Client
    trusted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.base = f"gs://{self.bucket}/segments"
        self.client.create_bucket(self.bucket)

    def put(self, name: str, data: bytes) -> None:
        # The emulator hangs up on an upload of no bytes.
        self.client.bucket(self.bucket).blob(f"segments/{name}").upload_from_string(data or b"\n")

    def take(self, name: str) -> None:
        self.client.bucket(self.bucket).blob(f"segments/{name}").delete()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has seen enough hangs up."""


class _Files(SimpleHTTPRequestHandler):
    """Python's own file server: no ranges, no ETag, but `Last-Modified`."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Say nothing."""


class _RangedFiles(_Files):
    """The same with ranges and ETags, as real web servers have them; `break_after` bytes it hangs up, once an answer."""

    break_after: int | None = None
    status: int | None = None

    def do_HEAD(self) -> None:
        if self.status is not None:
            self.send_error(self.status)
            return
        super().do_HEAD()

    def do_GET(self) -> None:
        if self.status is not None:
            self.send_error(self.status)
            return
        file = Path(self.translate_path(self.path))
        if not file.is_file():
            self.send_error(404)
            return
        data = file.read_bytes()
        etag = f'"{hash(data):x}"'
        if self.headers.get("If-Match", etag) != etag:
            self.send_error(412)
            return
        begin, _, end = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        part = data[int(begin) : int(end) + 1 if end else len(data)]
        self.send_response(206)
        self.send_header("ETag", etag)
        self.send_header("Content-Range", f"bytes {begin}-{int(begin) + len(part) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part if self.break_after is None else part[: self.break_after])
        self.close_connection = True


class CuttingProxy:
    """A line to a server that breaks in the middle of long answers: each connection gets `most` bytes, while it is set."""

    def __init__(self, port: int) -> None:
        self.most: int | None = None
        self.cuts = 0
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            behind = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._pass_on, args=(client, behind, False), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(behind, client, True), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:  # noqa: FBT001  a direction
        passed = 0
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
                passed += len(data)
                if answers and self.most is not None and passed > self.most:
                    self.cuts += 1
                    break
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@dataclass
class WebHome(LocalHome):
    """A directory behind a web server."""

    handler: type[_Files] = _RangedFiles
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        self.directory.mkdir(exist_ok=True)
        self.server = _Server(("127.0.0.1", 0), partial(self.handler, directory=str(self.directory)))
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.trusted = frozenset({f"127.0.0.1:{self.server.server_port}"})

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.server.server_close()


def web_home(directory: Path, *, ranges: bool) -> WebHome:
    """Serve a directory."""
    return WebHome(directory, handler=type("Files", (_RangedFiles if ranges else _Files,), {}))


def parquet(table: pa.Table, row_group_rows: int = 1_000) -> bytes:
    """Write a table as Parquet."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=row_group_rows)
    return bytes(sink.getvalue())


def sqlite_table(file: Path, table: pa.Table) -> None:
    """Keep a table in SQLite, `id` first, with columns of no type."""
    names = ["id", *table.column_names]
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE IF EXISTS people")
        connection.execute(f"CREATE TABLE people ({', '.join(names)})")
        rows = ((at, *row.values()) for at, row in enumerate(table.to_pylist()))
        connection.executemany(f"INSERT INTO people VALUES ({', '.join('?' * len(names))})", rows)
    connection.close()


@contextmanager
def moto(directory: Path) -> Iterator[str]:
    """Run moto's server and yield its URL."""
    with server(
        directory, lambda port: [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    ) as url:
        yield url


@contextmanager
def azurite(directory: Path) -> Iterator[str]:
    """Run Azurite and yield its connection string."""
    program = installed(AZURITE) / ".bin" / "azurite-blob"

    def command(port: int) -> list[str]:
        where = ("--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(directory / "azurite"))
        return [str(program), "--silent", "--skipApiVersionCheck", *where]

    with server(directory, command) as url:
        yield (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};BlobEndpoint={url}/{ACCOUNT};"
        )


@contextmanager
def google(directory: Path) -> Iterator[str]:
    """Run the emulator of Google Cloud Storage and yield its URL."""
    start = (sys.executable, "-m", "gcp_storage_emulator", "start", "--host", "127.0.0.1", "--in-memory")
    with server(directory, lambda port: [*start, "--port", str(port)]) as url:
        yield url


@contextmanager
def postgresql() -> Iterator[Mapping[str, str]]:
    """Run a PostgreSQL of its own (Debian's `pg_virtualenv`) and yield the environment that finds it."""
    program = shutil.which("pg_virtualenv")
    assert program is not None
    # It lives as long as what it runs: that says where the server is and waits for the end of its input.
    command = [program, "-t", "sh", "-c", "env | grep ^PG; echo .; cat"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    told = dict(line.rstrip("\n").split("=", 1) for line in iter(process.stdout.readline, ".\n") if "=" in line)
    try:
        yield told
    finally:
        process.communicate()


@contextmanager
def server(directory: Path, command: Callable[[int], list[str]]) -> Iterator[str]:
    """Run a server on a free port and yield its URL as soon as it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (directory / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(
            command(port), stdout=log, stderr=log, cwd=directory, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
    try:
        _await_answer(url, process)
        yield url
    finally:
        process.kill()  # they hold nothing that outlives a test, and some wait for their clients
        process.wait()


def _await_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                raise
            time.sleep(0.05)


def s3_client(url: str) -> Any:
    """Return AWS's own client."""
    return boto3.client("s3", endpoint_url=url)


def azure_client(connection_string: str) -> BlobServiceClient:
    """Return Azure's own client."""
    return BlobServiceClient.from_connection_string(connection_string)


def google_client() -> storage.Client:
    """Return Google's own client, of the emulator that the environment names."""
    return storage.Client.create_anonymous_client()
