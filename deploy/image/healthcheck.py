"""`python healthcheck.py PORT/PATH ...`: ends with 0 if one of these pages of this container answers with 200, else with 1.

For container engines without probes of their own; Kubernetes asks the same pages itself.
"""

import sys
from urllib.error import URLError
from urllib.request import urlopen

ANSWER_SECONDS = 2.0


def main(pages: list[str]) -> int:
    """Ask the pages in turn."""
    for page in pages:
        try:
            with urlopen(f"http://127.0.0.1:{page}", timeout=ANSWER_SECONDS):
                return 0
        except (URLError, TimeoutError):
            continue
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
