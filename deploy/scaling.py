"""`python -m deploy.scaling RECORDED.csv`: how many workers the shipped autoscaler would run, over recorded figures.

RECORDED has a line `seconds,workers_wanted` for each look of the autoscaler; without a figure, Prometheus did not answer. The
rules are those of Kubernetes' horizontal pod autoscaler for an external metric with an average value, and KEDA's fallback:

* as many pods as the figure over the target, rounded up; within a tenth of what is there, nothing changes
* up: at most what the policies allow in their period; down: the most that was wanted within the stabilisation window
* after so many looks without a figure, as many as the fallback says; until then, and without a fallback, nothing changes

Pure but for `main`.
"""

import csv
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import yaml

SCALED_OBJECT: Final = Path(__file__).parent / "kubernetes" / "components" / "keda" / "scaled-object.yaml"
TOLERANCE: Final = 0.1
"""Kubernetes' own."""


@dataclass(frozen=True, slots=True)
class Policy:
    """So many pods, or such a share of them, in a period."""

    kind: Literal["Pods", "Percent"]
    value: float
    period_seconds: float


@dataclass(frozen=True, slots=True)
class Direction:
    """How fast it goes up, or down."""

    window_seconds: float
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True)
class Scaler:
    """An autoscaler by its settings."""

    least: int
    most: int
    target: float
    up: Direction
    down: Direction
    fallback_after: int | None = None
    fallback: int = 0


@dataclass(frozen=True, slots=True)
class ReadFigures:
    """What a look of the autoscaler finds; None: no answer."""

    at_seconds: float
    wanted: float | None


def scaler_of(manifest: Mapping[str, Any]) -> Scaler:
    """Read the settings of a ScaledObject or a HorizontalPodAutoscaler."""
    spec = manifest["spec"]
    if manifest["kind"] == "HorizontalPodAutoscaler":
        (metric,) = spec["metrics"]
        target = float(metric["external"]["target"]["averageValue"])
        return Scaler(spec["minReplicas"], spec["maxReplicas"], target, *_directions(spec["behavior"]))
    (trigger,) = spec["triggers"]
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    return Scaler(
        spec["minReplicaCount"],
        spec["maxReplicaCount"],
        float(trigger["metadata"]["threshold"]),
        *_directions(behavior),
        fallback_after=spec["fallback"]["failureThreshold"],
        fallback=spec["fallback"]["replicas"],
    )


def replicas(scaler: Scaler, looks: Iterable[ReadFigures]) -> list[tuple[float, int]]:
    """Say how many pods there are after each look, beginning with the least."""
    there, silent = scaler.least, 0
    history: list[tuple[float, int]] = []
    recommended: list[tuple[float, int]] = []
    for look in looks:
        silent = 0 if look.wanted is not None else silent + 1
        recommended.append((look.at_seconds, _recommended(scaler, look.wanted, there, silent)))
        there = _limited(scaler, look.at_seconds, there, recommended, history)
        history.append((look.at_seconds, there))
    return history


def _recommended(scaler: Scaler, wanted: float | None, there: int, silent: int) -> int:
    if wanted is None:
        gone = scaler.fallback_after is not None and silent >= scaler.fallback_after
        return scaler.fallback if gone else there
    if there and abs(wanted / (there * scaler.target) - 1) <= TOLERANCE:
        return there
    return min(scaler.most, max(scaler.least, math.ceil(wanted / scaler.target)))


def _limited(
    scaler: Scaler,
    now: float,
    there: int,
    recommended: Sequence[tuple[float, int]],
    history: Sequence[tuple[float, int]],
) -> int:
    """Hold a recommendation back: for the stabilisation windows, and then for the policies."""
    lowest = min(count for at, count in recommended if at >= now - scaler.up.window_seconds)
    highest = max(count for at, count in recommended if at >= now - scaler.down.window_seconds)
    to = max(min(there, highest), lowest)
    if to > there:
        return min(to, max(_bound(scaler, each, now, history, 1) for each in scaler.up.policies))
    if to < there:
        return max(to, min(_bound(scaler, each, now, history, -1) for each in scaler.down.policies))
    return there


def _bound(scaler: Scaler, policy: Policy, now: float, history: Sequence[tuple[float, int]], sign: int) -> int:
    """How far this policy lets the number go: from what was there when its period began."""
    began = next((count for at, count in reversed(history) if at <= now - policy.period_seconds), scaler.least)
    step = policy.value if policy.kind == "Pods" else began * policy.value / 100
    return math.ceil(began + step) if sign > 0 else math.floor(began - step)


def _directions(behavior: Mapping[str, Any]) -> tuple[Direction, Direction]:
    return _direction(behavior["scaleUp"]), _direction(behavior["scaleDown"])


def _direction(said: Mapping[str, Any]) -> Direction:
    policies = tuple(Policy(each["type"], each["value"], each["periodSeconds"]) for each in said["policies"])
    return Direction(said["stabilizationWindowSeconds"], policies)


def main() -> None:
    """Print seconds, the figure and the replicas for each line of the file that the command line names."""
    with Path(sys.argv[1]).open(newline="") as opened:
        looks = [ReadFigures(float(at), float(wanted) if wanted else None) for at, wanted in csv.reader(opened)]
    scaler = scaler_of(yaml.safe_load(SCALED_OBJECT.read_text()))
    for look, (_, count) in zip(looks, replicas(scaler, looks), strict=True):
        shown = "-" if look.wanted is None else f"{look.wanted:g}"
        print(f"{look.at_seconds:g}\t{shown}\t{count}")  # noqa: T201  this is a command


if __name__ == "__main__":
    main()
