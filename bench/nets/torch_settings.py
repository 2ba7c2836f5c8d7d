"""What torch is told for the whole process, and told back: number formats and threads.

Several evaluations may be under way in one process. Those in float32 share what is set, and the last puts back what the
first found; one in TF32 is alone, since its last layer must be kept out of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, get_ident
from typing import Any

import torch

# Where torch keeps what products and convolutions are computed in, by its newer way to say it; mixed with the older
# one both fail, so where there is the newer it alone is used.
BACKENDS: list[Any] = [
    backend
    for backend in (
        torch.backends.cuda.matmul,
        *(getattr(torch.backends.cudnn, "conv", None), getattr(torch.backends.cudnn, "rnn", None)),
        *(getattr(torch.backends.mkldnn, "matmul", None), getattr(torch.backends.mkldnn, "conv", None)),
    )
    if hasattr(backend, "fp32_precision")
]
_changed = Condition()
_formats: list[tuple[bool, int]] = []  # of evaluations under way: whether TF32 is allowed, and whose thread it is
_before: list[list[str]] = []  # what the first of them found, and what each of the others
_threads: list[int] = []  # as many as torch had, once for each that computes with one


@contextmanager
def products_in(tf32: bool) -> Iterator[None]:
    """Products and convolutions in TF32, or in nothing less than float32, while the body runs."""
    mine = get_ident()
    with _changed:
        _changed.wait_for(lambda: all(mine == owner or not (tf32 or other) for other, owner in _formats))
        _before.append(_read())
        _formats.append((tf32, mine))
        _write(tf32)
    try:
        yield
    finally:
        with _changed:
            _formats.remove((tf32, mine))
            _restore(_before.pop(-1 if _formats else 0))
            _changed.notify_all()


@contextmanager
def without_tf32() -> Iterator[None]:
    """For layers that are computed in float32 within an evaluation in TF32."""
    if not any(tf32 for tf32, _ in _formats):
        yield
        return
    before = _read()
    _write(tf32=False)
    try:
        yield
    finally:
        _restore(before)


def _read() -> list[str]:
    if BACKENDS:
        return [backend.fp32_precision for backend in BACKENDS]
    return [torch.get_float32_matmul_precision(), str(torch.backends.cudnn.allow_tf32)]


def _write(tf32: bool) -> None:
    _restore(["tf32" if tf32 else "ieee"] * len(BACKENDS) or ["high" if tf32 else "highest", str(tf32)])


def _restore(values: list[str]) -> None:
    if BACKENDS:
        for backend, value in zip(BACKENDS, values, strict=True):
            backend.fp32_precision = value
        return
    torch.set_float32_matmul_precision(values[0])
    torch.backends.cudnn.allow_tf32 = values[1] == "True"


@contextmanager
def single_threads(device: torch.device) -> Iterator[int]:
    """How many batches to compute at once: on a CPU as many as torch has threads, with one thread each meanwhile.

    Small layers leave most of a team of threads waiting, and its members keep the cores from decoding as they wait;
    beside another device the threads that decode have one each, too.
    """
    with _changed:
        own = threads()
        _threads.append(own)
    torch.set_num_threads(1)  # of this thread of Python's, and of those that begin from now on
    try:
        yield own if device.type == "cpu" else 1
    finally:
        torch.set_num_threads(own)
        with _changed:
            _threads.remove(own)


def threads() -> int:
    """How many torch has in this thread of Python's; one that began while others compute with one has theirs."""
    own = torch.get_num_threads()
    return _threads[0] if own == 1 and _threads else own
