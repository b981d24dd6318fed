"""What `python -m worker` hands to dramatiq's command: our defaults, unless something else is given."""

from argparse import Namespace

import pytest
from dramatiq.cli import make_argument_parser

from worker.__main__ import arguments


def understood(*given: str) -> Namespace:
    """What dramatiq's own parser makes of our arguments."""
    parsed: Namespace = make_argument_parser().parse_args(arguments(list(given)))  # type: ignore[no-untyped-call]
    return parsed


def test_without_options_a_worker_is_one_process_with_many_threads() -> None:
    """Scaling is by replicas; threads only wait."""
    parsed = understood()
    assert (parsed.broker, parsed.processes, parsed.threads) == ("worker.app:create_broker", 1, 32)
    assert parsed.worker_shutdown_timeout == 30_000
    assert parsed.skip_logging


@pytest.mark.parametrize(
    "given",
    [["--threads", "5"], ["--threads=5"], ["-t", "5"], ["-t5"]],
    ids=["two words", "equals sign", "short", "short in one word"],
)
def test_an_option_that_is_given_is_obeyed_in_every_spelling(given: list[str]) -> None:
    """And the other defaults stay."""
    parsed = understood(*given)
    assert (parsed.processes, parsed.threads) == (1, 5)


@pytest.mark.parametrize("given", [["--processes", "3"], ["--processes=3"], ["-p", "3"], ["-p3"]])
def test_more_processes_are_had_for_asking(given: list[str]) -> None:
    """With the same threads in each."""
    parsed = understood(*given)
    assert (parsed.processes, parsed.threads) == (3, 32)


def test_the_time_to_shut_down_is_had_for_asking() -> None:
    """In milliseconds, as dramatiq counts."""
    assert understood("--worker-shutdown-timeout", "700").worker_shutdown_timeout == 700


def test_no_default_stands_beside_what_was_given() -> None:
    """The list of processes shows one value, not two."""
    words = arguments(["-t", "5", "--processes=2", "--worker-shutdown-timeout", "1"])
    assert words == [
        "worker.app:create_broker",
        "--skip-logging",
        "-t",
        "5",
        "--processes=2",
        "--worker-shutdown-timeout",
        "1",
    ]


def test_dramatiqs_own_options_are_passed_on() -> None:
    """We need not know them."""
    parsed = understood("--queues", "segment-export", "--verbose", "--pid-file", "/run/worker.pid")
    assert parsed.queues == ["segment-export"]
    assert parsed.verbose == 1
    assert parsed.pid_file == "/run/worker.pid"
    assert parsed.processes == 1
