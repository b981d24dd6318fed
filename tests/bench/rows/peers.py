"""Row 9: the same segment to the same kind of account by other means: contacts a minute, throttles, opt-outs put back, losses.

Everybody gets an account of their own with the published limits, 5 % faults, and people who opted out of the list. Whoever
would need too long is stopped after a while: what counts is the rate, and what became of those dealt with by then.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from aiohttp import ClientSession

from tests.bench.figures import NONE, Figure, Unit
from tests.bench.peers import PEERS, Peer
from tests.bench.people import address, people, write_people
from tests.bench.place import LIST, PUBLISHED, Account, Place, place
from tests.bench.sizes import Sizes

FAULTS: Final = ("502:0.025", "reset_before:0.025")
OPTED_OUT_EVERY: Final = 10
WORKERS: Final = 2
OURS: Final = "segment-export"


@dataclass(frozen=True, slots=True)
class Dealt:
    """With how many of the first people somebody dealt in how many seconds, and what the account saw."""

    people: int
    seconds: float
    totals: Any
    subscribed: frozenset[str]

    @property
    def arrived(self) -> int:
        """Those who are on the list and did not opt out."""
        return sum(1 for number in range(self.people) if not _opted_out(number) and address(number) in self.subscribed)

    @property
    def lost(self) -> int:
        """Those who should be on the list and are not."""
        return sum(1 for number in range(self.people) if not _opted_out(number)) - self.arrived


async def measure(sizes: Sizes, directory: Path) -> list[Figure]:
    """Let everybody have a go, one after the other."""
    switches = PUBLISHED | {"faults": list(FAULTS)}
    snapshot = write_people(directory / "people.parquet", sizes.peers)
    found: dict[str, Dealt] = {}
    async with place(directory / "stack", [switches] * (1 + len(PEERS)), workers=WORKERS) as there:
        for account in there.accounts:
            gone = [address(number) for number in range(sizes.peers) if _opted_out(number)]
            await account.tell("opt_outs", {"list": LIST, "emails": gone})
        found[OURS] = await _ours(there, snapshot, sizes.peers)
        for peer, account in zip(PEERS, there.accounts[1:], strict=True):
            found[peer.name] = await _theirs(peer, account, there.key, sizes)
    rate = {name: dealt.arrived * 60 / dealt.seconds for name, dealt in found.items()}
    figures = [
        Figure(f"{OURS} against {peer.name}: contacts a minute", rate[OURS] / rate[peer.name], Unit.TIMES)
        for peer in PEERS
    ]
    for name, dealt in found.items():
        must = NONE if name == OURS else None
        figures += [
            Figure(f"{name}: contacts a minute", rate[name], Unit.PER_MINUTE),
            Figure(f"{name}: throttle answers", dealt.totals["violations"], Unit.COUNT, must),
            Figure(f"{name}: opted out and put back", dealt.totals["resubscribed"], Unit.COUNT, must),
            Figure(f"{name}: lost of {dealt.people:,} dealt with", dealt.lost, Unit.COUNT, must),
        ]
    return figures


async def _ours(there: Place, snapshot: Path, count: int) -> Dealt:
    await there.export("vip")
    began = monotonic()
    await there.over(await there.publish("vip", snapshot))
    return await _dealt(there.accounts[0], count, monotonic() - began)


async def _theirs(peer: Peer, account: Account, key: str, sizes: Sizes) -> Dealt:
    rows = people(sizes.peers)
    async with ClientSession() as session:
        step = peer.step(session, f"http://{account.host}", key)
        began, sent = monotonic(), 0
        while sent < len(rows) and monotonic() - began < sizes.peers_seconds:
            await step(rows[sent : sent + peer.rows_at_a_time])
            sent = min(len(rows), sent + peer.rows_at_a_time)
            await asyncio.sleep(peer.sleep_seconds)
        seconds = monotonic() - began
    await account.until(lambda totals: not totals["batches_open"])
    return await _dealt(account, sent, seconds)


async def _dealt(account: Account, count: int, seconds: float) -> Dealt:
    return Dealt(count, seconds, await account.totals(), await account.subscribed(LIST))


def _opted_out(number: int) -> bool:
    return number % OPTED_OUT_EVERY == 0
