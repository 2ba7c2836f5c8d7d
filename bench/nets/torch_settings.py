"""What torch is told for the whole process, and told back: number formats and threads.

Several evaluations may be under way in one process. Those that want the same formats share them, and the last puts back
what the first found; one that wants others waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, get_ident

import torch

_changed = Condition()
_formats: list[tuple[bool, int]] = []  # of evaluations under way: whether TF32 is allowed, and whose thread it is
_before: list[tuple[str, bool]] = []  # what the first of them found
_threads: list[int] = []  # as many as torch had, once for each that computes with one


@contextmanager
def products_in(tf32: bool) -> Iterator[None]:
    """Products and convolutions in TF32, or in nothing less than float32, while the body runs."""
    mine = get_ident()
    with _changed:
        _changed.wait_for(lambda: all(tf32 == other or mine == owner for other, owner in _formats))
        _before.append((torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32))
        _formats.append((tf32, mine))
        _set("high" if tf32 else "highest", tf32)
    try:
        yield
    finally:
        with _changed:
            _formats.remove((tf32, mine))
            _set(*(_before.pop(0) if not _formats else _before.pop()))
            _changed.notify_all()


def _set(products: str, convolutions: bool) -> None:
    torch.set_float32_matmul_precision(products)
    torch.backends.cudnn.allow_tf32 = convolutions


@contextmanager
def single_threads(device: torch.device) -> Iterator[int]:
    """How many batches to compute at once: on a CPU as many as torch has threads, with one thread each meanwhile.

    Small layers leave most of a team of threads waiting, and its members keep the cores from decoding as they wait.
    """
    if device.type != "cpu":
        yield 1
        return
    with _changed:
        _threads.append(threads())
        own = _threads[-1]
    torch.set_num_threads(1)  # of this thread of Python's, and of those that begin from now on
    try:
        yield own
    finally:
        torch.set_num_threads(own)
        with _changed:
            _threads.remove(own)


def threads() -> int:
    """How many torch has where nobody computes with one."""
    return _threads[0] if _threads else torch.get_num_threads()
