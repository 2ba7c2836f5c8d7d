"""How many of the machine's cores, and how much of its memory, this process may use."""

import os
from contextlib import suppress
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds of work, or `max`, in so many of the clock's
MOST_MEMORY = Path("/sys/fs/cgroup/memory.max")  # of a container: bytes, or `max`


def cores() -> int:
    """At least 1: those that the scheduler gives it, fewer where a container may use less of them."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # `max`, or no container
        work, period = map(int, QUOTA.read_text().split())
        own = min(own, work // period)
    return max(1, own)


def memory() -> int:
    """Bytes, other processes' among them; less where a container may use less. Where nobody says it 8 GiB."""
    own = 8 << 30
    if hasattr(os, "sysconf"):
        with suppress(OSError, ValueError):
            own = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        own = min(own, int(MOST_MEMORY.read_text()))
    return own
