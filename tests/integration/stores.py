"""Fixtures of real stores for tests of snapshots: a module that wants them names them, as `make_home = stores.make_home`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.integration import homes
from tests.integration.homes import Home

_numbers = count()


class Servers:
    """Each server is started by the first test that wants it, and runs to the end of the module."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._told: dict[str, Any] = {}

    def told(self, kind: str) -> Any:
        """Return where a server is."""
        if kind not in self._told:
            start = {"s3": homes.moto, "azure": homes.azurite, "google": homes.google}
            running = homes.postgresql() if kind == "postgresql" else start[kind](self._directory)
            self._told[kind] = self._stack.enter_context(running)
        return self._told[kind]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The servers of this module."""
    with ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("servers"), stack)


@pytest.fixture
def make_home(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Home]]:
    """Make a home of a kind, with credentials where that kind's own chain looks for them."""
    webs: list[homes.WebHome] = []

    def make(kind: str) -> Home:
        number = next(_numbers)
        match kind:
            case "s3":
                told = servers.told("s3")
                for name, value in {
                    "AWS_ENDPOINT_URL": told,
                    "AWS_ACCESS_KEY_ID": "id",
                    "AWS_SECRET_ACCESS_KEY": "secret",
                    "AWS_REGION": "us-east-1",
                }.items():
                    monkeypatch.setenv(name, value)
                return homes.S3Home(f"bucket-{number}", homes.s3_client(told))
            case "azure":
                told = servers.told("azure")
                monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", told)
                return homes.AzureHome(f"container-{number}", homes.azure_client(told))
            case "google":
                monkeypatch.setenv("STORAGE_EMULATOR_HOST", servers.told("google"))
                return homes.GoogleHome(f"bucket-{number}", homes.google_client())
            case "web" | "plain web":
                webs.append(homes.web_home(tmp_path / "web", ranges=kind == "web"))
                return webs[-1]
            case _:
                return homes.LocalHome(tmp_path / "local")

    yield make
    for web in webs:
        web.close()
