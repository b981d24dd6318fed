"""How much is measured: in full for figures that are meant, and short to see that the bench itself still works."""

from dataclasses import dataclass
from typing import Final

THOUSAND: Final = 1_000
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of contacts, unless their name says otherwise; `pace` is how many times the published limits are allowed."""

    allowance: int
    allowance_workers: tuple[int, ...]
    allowance_pace: int
    million: int
    million_pace: int
    unlimited: int
    unlimited_workers: tuple[int, ...]
    unlimited_times: int
    producer: int
    memory: tuple[int, ...]
    memory_once: int | None
    fairness_large: int
    fairness_small: int
    fairness_times: int
    accounts: int
    scale_each: int
    scale_workers: tuple[int, ...]
    starts: int
    peers: int
    peers_seconds: float


FULL: Final = Sizes(
    allowance=75 * THOUSAND,
    allowance_workers=(1, 3, 8),
    allowance_pace=1,
    million=MILLION,
    million_pace=20,
    unlimited=MILLION,
    unlimited_workers=(1, 2),
    unlimited_times=3,
    producer=MILLION,
    memory=(10 * THOUSAND, 100 * THOUSAND, MILLION),
    memory_once=10 * MILLION,
    fairness_large=MILLION,
    fairness_small=THOUSAND,
    fairness_times=7,
    accounts=50,
    scale_each=10 * THOUSAND,
    scale_workers=(1, 2, 4),
    starts=100,
    peers=25 * THOUSAND,
    peers_seconds=60,
)

SHORT: Final = Sizes(
    allowance=5 * THOUSAND,
    allowance_workers=(1,),
    allowance_pace=20,
    million=10 * THOUSAND,
    million_pace=20,
    unlimited=10 * THOUSAND,
    unlimited_workers=(1,),
    unlimited_times=1,
    producer=20 * THOUSAND,
    memory=(500, 5 * THOUSAND),
    memory_once=None,
    fairness_large=12 * THOUSAND,
    fairness_small=500,
    fairness_times=1,
    accounts=3,
    scale_each=250,
    scale_workers=(1, 2),
    starts=2,
    peers=500,
    peers_seconds=2,
)
