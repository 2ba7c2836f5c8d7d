"""What the C library does with freed memory: a setting of the whole process, for commands, which own theirs."""

import ctypes
import platform

# malloc's options by number: what may come from the system alone, what is given back, how many heaps there are
KEEPING = {-3: 2**31 - 1, -1: 2**31 - 1, -8: 1}


def keep_freed_memory() -> None:
    """Have the C library keep what is freed: to take a net's maps from the system anew costs a tenth of the time.

    It cannot be asked for what it did before, so a call from Python, which must leave things as they were, does not.
    """
    if platform.system() == "Linux" and platform.libc_ver()[0] == "glibc":
        for option, value in KEEPING.items():
            ctypes.CDLL(None).mallopt(option, value)
