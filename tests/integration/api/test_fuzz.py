"""Schemathesis against the API as it describes itself: no 500, and every answer as described, whoever asks.

What it may not hold against us is refusing what fits the description and cannot be followed: a connection that is not
there, a snapshot outside of the roots, a key that ActiveCampaign does not take.
"""

import asyncio
import io
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from producer.access.token import Role
from tests.integration.serving import API_KEY, TOKEN, Served, serving
from tests.logged import logged
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]

SCHEMATHESIS: Final = Path(sys.executable).with_name("schemathesis")

OPTIONS: Final = (
    *("--checks", "all", "--exclude-checks", "positive_data_acceptance", "--continue-on-failure"),
    *("--seed", "6", "--no-shrink", "--workers", "1", "--warnings", "off"),
)

REGISTERED: Final = "^/v1/(connections|exports|notifications|tokens|secrets)"
"""What people register: half of all calls, so that neither half takes too long."""


class Tour(NamedTuple):
    """As whom it goes where, in which phases and with how many examples of each call."""

    token: str
    phases: str
    examples: int
    paths: str


CONNECTION: Final = {"host": "acme.api-us1.com", "api_key": API_KEY, "consent": True, "allow": "contributors"}
EXPORT: Final = {"connection": "0", "segment": "0", "list_id": "12", "mapping": {"email": "0"}}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged."""
    with logged() as written:
        yield written


async def _furnish(api: Served) -> str:
    """Register things by the names that a fuzzer tries first, and open a run; return its id."""
    for name in ("0", "main"):
        assert (await api.ask("POST", "/v1/connections", CONNECTION | {"name": name}))[0] == 201
        assert (await api.ask("POST", "/v1/exports", EXPORT | {"name": name}))[0] == 201
        assert (await api.ask("POST", "/v1/tokens", {"name": name, "role": "viewer"}))[0] == 201
        channel = {"name": name, "kind": "webhook", "url": "https://hooks.example.com/x"}
        assert (await api.ask("POST", "/v1/notifications", channel))[0] == 201
    status, opened = await api.ask("POST", "/v1/exports/main/runs", {"snapshot": "/snapshots/a.csv"})
    assert status == 202
    return str(opened["run"]["id"])


async def _fuzz(api: Served, tour: Tour, run: str, directory: Path) -> str:
    """Let it loose and return what it says; empty if it found nothing."""
    config = directory / "schemathesis.toml"
    config.write_text(f'[[operations]]\ninclude-path-regex = "^/v1/runs/"\nparameters = {{ id = "{run}" }}\n')
    url = str(api.client.make_url("/openapi.json"))
    command = (SCHEMATHESIS, "--config-file", config, "run", url, "--header", f"Authorization: Bearer {tour.token}")
    process = await asyncio.create_subprocess_exec(
        *command,
        *OPTIONS,
        "--include-path-regex",
        tour.paths,
        "--phases",
        tour.phases,
        "--max-examples",
        str(tour.examples),
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return said.decode() if process.returncode else ""


@pytest.mark.parametrize(
    "tour",
    [
        Tour(TOKEN, "coverage,fuzzing,stateful", 10, REGISTERED),
        Tour(TOKEN, "coverage,fuzzing,stateful", 10, f"^(?!{REGISTERED[1:]})"),
        Tour(Role.CONTRIBUTOR, "fuzzing", 4, "."),
        Tour(Role.VIEWER, "fuzzing", 2, "."),
    ],
    ids=["admin-registered", "admin-rest", "contributor", "viewer"],
)
def test_a_fuzzer_finds_no_answer_that_is_not_described(
    with_store: WithStore, tmp_path: Path, log: io.StringIO, tour: Tour
) -> None:
    """As the administrator, who gets everywhere, and as those who do not."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            run = await _furnish(api)
            found = await _fuzz(api, tour, run, tmp_path)
            assert not found, found
            assert (await api.ask("GET", "/readyz"))[0] == 200

    with_store(scenario)
    assert '"level":"error"' not in log.getvalue()
    assert TOKEN not in log.getvalue()
