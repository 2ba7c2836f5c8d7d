"""How many of the machine's cores this process may use."""

import os
from contextlib import suppress
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds of work, or `max`, in so many of the clock's


def cores() -> int:
    """At least 1: those that the scheduler gives it, fewer where a container may use less of them."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # `max`, or no container
        work, period = map(int, QUOTA.read_text().split())
        own = min(own, work // period)
    return max(1, own)
