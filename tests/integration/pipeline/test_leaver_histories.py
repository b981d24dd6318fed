"""Over random histories of damaged snapshots, nobody is unsubscribed by accident, and whoever really left is gone in the end."""

import asyncio
import logging
import sys
from collections.abc import Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType, ModuleType
from typing import Any, Final, NamedTuple, get_args

import pytest
import structlog
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from redis import Redis

from deploy.local.valkey import Valkey
from producer.app import SCRIPT_ROOMS
from producer.people import absence
from producer.pipeline import enqueue, leaver_guard, survey
from producer.pipeline import runner as reading
from tests.integration.histories import PEOPLE, Kind, Mishap, Step, World
from wire.store.redis import load_scripts

HISTORIES: Final = 1_000

SOME: Final = st.frozensets(st.sampled_from(PEOPLE), max_size=4)
NOBODY: Final[st.SearchStrategy[frozenset[int]]] = st.just(frozenset())
STEPS: Final = st.builds(
    Step,
    leave=st.one_of(NOBODY, NOBODY, SOME, st.frozensets(st.sampled_from(PEOPLE), min_size=10)),
    back=st.one_of(NOBODY, NOBODY, SOME),
    kind=st.sampled_from((*get_args(Kind), "truncated", "half_mistyped", "half_mistyped")),
    mishap=st.sampled_from(("", "", "", *get_args(Mishap))),
    hand=st.sampled_from(("accept", "resume", "cancel")),
    dice=st.integers(0, 3),
)
OPTIONS: Final[tuple[Mapping[str, Any], ...]] = ({}, {}, {}, {"leavers_confirm": "by_hand"})


ACCIDENT: Final = "absent|stands in|accepted|unreadable"
"""What every judgement of an unsubscribe says, and nothing else."""


class History(NamedTuple):
    """What happens between a first refresh and the two clean ones at the end."""

    steps: Sequence[Step]
    by_id: bool = False
    options: Mapping[str, Any] = MappingProxyType({})


class Rule(NamedTuple):
    """A rule by what it says, how it is taken out of a module, and a history that shows why it is needed."""

    says: str
    module: ModuleType
    kept: str
    instead: str
    history: History


class ScriptRule(NamedTuple):
    """The same of a script."""

    says: str
    script: str
    kept: str
    instead: str
    history: History


LEAVES, RETURNS = Step(leave=frozenset({0})), Step(back=frozenset({0}))
BY_HAND: Final = {"leavers_confirm": "by_hand"}
OLDER: Final = {4: 1, 3: 0}
"""By how many snapshots there are, the dice that fall on the second one."""

RULES: Final = (
    Rule(
        "a second snapshot agrees",
        absence,
        "(were_once & is_later)",
        "(~doubts & is_later)",
        History([LEAVES]),
    ),
    Rule(
        "the same snapshot is no second opinion",
        absence,
        "(were_once & is_later)",
        "were_once",
        History([LEAVES, Step(kind="again")]),
    ),
    Rule(
        "nor is an older one",
        absence,
        "now.pin not in known.pins\n",
        "now.pin not in known.pins[-1:]\n",
        History([LEAVES, RETURNS, LEAVES, Step(kind="stale", dice=OLDER[4])]),
    ),
    Rule(
        "nor a first one",
        absence,
        " & (were_once | is_later)",
        "",
        History([LEAVES, RETURNS, Step(kind="stale", dice=OLDER[3]), LEAVES]),
    ),
    Rule(
        "who is present is not absent",
        absence,
        "once=absent[once],",
        "once=np.union1d(known.once, absent[once]),",
        History([LEAVES, RETURNS, LEAVES]),
    ),
    Rule(
        "an unreadable snapshot is no evidence",
        absence,
        "    if is_blind:\n",
        "    if False:\n",
        History([Step(kind="half_mistyped")] * 2),
    ),
    Rule(
        "an unreadable row may be theirs",
        absence,
        "still = known.tolerated is not None and",
        "still = False and",
        History([Step(kind="half_mistyped")] * 3),
    ),
    Rule(
        "an id in the snapshot stays",
        survey,
        "before.known.leave(surveyor.standing())",
        "surveyor.standing()",
        History([Step(kind="mistyped")] * 2, by_id=True),
    ),
    Rule(
        "so many at once are asked for",
        leaver_guard,
        "if thresholds is None or not",
        "if True or not",
        History([Step(leave=frozenset(range(10))), Step()]),
    ),
    Rule(
        "by hand is asked for",
        leaver_guard,
        "    if not leavers:\n",
        "    if True:\n",
        History([LEAVES], options=BY_HAND),
    ),
)
SCRIPT_RULES: Final = (
    ScriptRule(
        "a dry run is no opinion",
        "surveyed",
        "if redis.call('HGET', key, 'dry_run') == '1' then\n",
        "if redis.call('HGET', key, 'dry_run') == '1' then\n  redis.call('HSET', K.absent(of(run)), unpack(ARGV, pages + 4))\n",
        History([Step(leave=frozenset({0}), mishap="dry"), Step()]),
    ),
    ScriptRule(
        "who is not accepted is not sent",
        "steer",
        "if declines then keep_leavers(run) end",
        "",
        History([Step(leave=frozenset({0}), hand="resume")], options=BY_HAND),
    ),
)


def histories(count: int) -> settings:
    """Run a test over so many histories, always the same ones."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def hold(port: int, count: int) -> None:
    """Raise AssertionError unless every history ends as it must: those that show a rule, and so many others."""
    read = load_scripts(*SCRIPT_ROOMS)
    with TemporaryDirectory() as folder, Redis(port=port) as redis, asyncio.Runner() as runner:
        number = iter(range(count * 2))

        @histories(count)
        @given(steps=st.lists(STEPS, min_size=1, max_size=4), by_id=st.booleans(), options=st.sampled_from(OPTIONS))
        def lives(steps: Sequence[Step], by_id: bool, options: Mapping[str, Any]) -> None:  # noqa: FBT001  drawn
            own = Path(folder) / str(next(number))
            own.mkdir()
            world = World(redis, own, scripts=read, by_id=by_id, options=options)
            runner.run(world.live(steps))

        for rule in (*RULES, *SCRIPT_RULES):
            lives = example(**rule.history._asdict())(lives)
        lives()


@pytest.fixture
def port(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> int:
    """A server; whoever waits for it, or for room, looks again at once."""
    monkeypatch.setattr(enqueue, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(reading, "AGAIN_SECONDS", 0)
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    monkeypatch.setattr(reading, "_log", structlog.wrap_logger(structlog.PrintLogger(), wrapper_class=silent))
    return valkey.port


@pytest.mark.timeout(600)
def test_nobody_is_unsubscribed_by_accident_and_whoever_left_is_gone(port: int) -> None:
    """Unless two snapshots in a row agree, or a person accepts it; after two clean refreshes the list is as the segment is."""
    hold(port, HISTORIES)


def without(rule: Rule, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load a module without a rule."""
    source = Path(str(rule.module.__file__)).read_text()
    assert source.count(rule.kept) == 1
    path = folder / "mutated.py"
    path.write_text(source.replace(rule.kept, rule.instead))
    spec = spec_from_file_location("mutated", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "mutated", module)
    spec.loader.exec_module(module)
    return module


def live(port: int, history: History, folder: Path, scripts: Mapping[str, str] | None = None) -> None:
    """Live through one history."""
    with Redis(port=port) as redis:
        world = World(redis, folder, scripts=scripts, by_id=history.by_id, options=history.options)
        asyncio.run(world.live(history.steps))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.says)
def test_without_any_one_rule_somebody_is_unsubscribed_by_accident(
    port: int, rule: Rule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So each of them is needed; the histories that show it are among those that hold."""
    mutated = without(rule, tmp_path, monkeypatch)
    if rule.module is survey:
        monkeypatch.setattr(reading, "run_survey", mutated.run_survey)
    for name in {absence: ("judge",), leaver_guard: ("too_many", "by_hand")}.get(rule.module, ()):
        monkeypatch.setattr(rule.module, name, getattr(mutated, name))
    with pytest.raises(AssertionError, match=ACCIDENT):
        live(port, rule.history, tmp_path)


@pytest.mark.parametrize("rule", SCRIPT_RULES, ids=lambda rule: rule.says)
def test_nor_without_any_one_rule_of_the_scripts(port: int, rule: ScriptRule, tmp_path: Path) -> None:
    """What the record holds is part of it."""
    scripts = dict(load_scripts(*SCRIPT_ROOMS))
    assert scripts[rule.script].count(rule.kept) == 1
    mutated = scripts[rule.script].replace(rule.kept, rule.instead)
    with pytest.raises(AssertionError, match=ACCIDENT):
        live(port, rule.history, tmp_path, scripts | {rule.script: mutated})
