"""`python -m worker`: hands over to dramatiq's command with our defaults, and passes its options on.

One process with many threads is the default, and scaling is by replicas: asynchronous work needs threads only to wait.
"""

import os
import sys
import tempfile
from typing import Final

from wire.process.settings import SettingsError
from worker.settings import read_settings

DEFAULTS: Final = {"--processes": "1", "--threads": "32", "--worker-shutdown-timeout": "30000"}
"""Threads: what is waiting for its turn or for ActiveCampaign. Milliseconds: what a request under way is given to end."""

SHORT: Final = {"--processes": "-p", "--threads": "-t"}

IDLE_POLL_MS: Final = "100"
"""Dramatiq's idle consumers look for messages so often; at its own second, a bell is heard half a second late."""


def arguments(given: list[str]) -> list[str]:
    """Dramatiq's arguments: ours where nothing else is given."""

    def is_given(option: str) -> bool:
        names = tuple(filter(None, (option, SHORT.get(option))))
        return any(word.startswith(names) for word in given)

    defaults = [word for option, value in DEFAULTS.items() if not is_given(option) for word in (option, value)]
    return ["worker.app:create_broker", "--skip-logging", *defaults, *given]


def main() -> int:
    """Check the settings, then become dramatiq's command."""
    try:
        read_settings(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201  there is no log yet
        return 2
    os.environ.setdefault("dramatiq_worker_timeout", IDLE_POLL_MS)
    from dramatiq import cli  # noqa: PLC0415  it reads the environment when it is imported

    parsed = cli.make_argument_parser().parse_args(arguments(sys.argv[1:]))  # type: ignore[no-untyped-call]
    if parsed.processes > 1:
        # prometheus_client chooses when it is imported whether processes share their figures.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="segment-export-metrics-")
    result: int = cli.main(parsed)  # type: ignore[no-untyped-call]
    return result


if __name__ == "__main__":
    sys.exit(main())
