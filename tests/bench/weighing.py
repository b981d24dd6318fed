"""What a program takes, as the kernel counts it: read from /proc, so on Linux only; elsewhere figures of this kind are zero."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MIB: Final = 1 << 20
PROC: Final = Path("/proc")
GROUP, USER, SYSTEM = 2, 11, 12
"""Fields of /proc/PID/stat, counted from the one behind the program's name."""


@dataclass(frozen=True, slots=True)
class Weight:
    """Of the process that took the most memory its peak in MiB, and of all of the group their processor time."""

    peak_mib: float
    processor_seconds: float


def weigh(leader: int) -> Weight:
    """Weigh a process group by the id of its leader."""
    peaks, ticks = [0.0], 0
    for status in PROC.glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[GROUP]) != leader:
                continue
            ticks += int(fields[USER]) + int(fields[SYSTEM])
            peaks.append(_peak_mib(status.with_name("status").read_text()))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return Weight(max(peaks), ticks / os.sysconf("SC_CLK_TCK"))


def _peak_mib(status: str) -> float:
    found = (line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    return next((int(kilobytes) / 1024 for _, kilobytes, *_ in found), 0.0)
