"""Units of time, by name. Pure."""

from typing import Final

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
MINUTE_SECONDS: Final = 60
HOUR_SECONDS: Final = 3_600
