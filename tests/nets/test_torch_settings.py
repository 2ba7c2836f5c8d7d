"""What torch is told for the whole process is told back, whoever else is at it."""

import threading
from collections.abc import Callable

import pytest
import torch

from bench.nets.torch_settings import _read, products_in, single_threads, threads, without_tf32

CPU = torch.device("cpu")
PATIENCE = 20.0  # seconds, far above what any of it takes


def values(tf32: bool) -> list[str]:
    with products_in(tf32):
        return _read()


@pytest.mark.parametrize("tf32", [True, False])
def test_formats_are_put_back(tf32):
    before = _read()
    with pytest.raises(KeyboardInterrupt), products_in(tf32):
        raise KeyboardInterrupt
    assert _read() == before


def test_one_within_another_is_put_back_to_the_outer():
    with products_in(True):
        outer = _read()
        with products_in(False):
            assert _read() == values(False) != outer
        assert _read() == outer
        with without_tf32():
            assert _read() == values(False)
        assert _read() == outer


def test_the_newer_way_to_say_it_is_read_and_put_back(monkeypatch):
    matmul = torch.backends.cuda.matmul
    if not hasattr(matmul, "fp32_precision"):
        pytest.skip("this torch has the older way alone")
    before = matmul.fp32_precision
    matmul.fp32_precision = "tf32"
    try:
        with products_in(False):
            assert matmul.fp32_precision == "ieee"
        assert matmul.fp32_precision == "tf32"
    finally:
        matmul.fp32_precision = before


class Other:
    """A thread that goes as far as it is told."""

    def __init__(self, work: Callable[["Other"], None]) -> None:
        self.within, self.leave = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=work, args=(self,), daemon=True)
        self.thread.start()

    def end(self) -> None:
        self.leave.set()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


def holding(tf32: bool) -> Callable[[Other], None]:
    def work(self: Other) -> None:
        with products_in(tf32):
            self.within.set()
            self.leave.wait(PATIENCE)

    return work


@pytest.mark.parametrize(
    ("one", "other", "together"), [(False, False, True), (False, True, False), (True, True, False)]
)
def test_tf32_is_alone_and_float32_is_shared(one, other, together):
    before = _read()
    first = Other(holding(one))
    assert first.within.wait(PATIENCE)
    second = Other(holding(other))
    assert second.within.wait(PATIENCE if together else 0.2) == together
    first.end()
    assert second.within.wait(PATIENCE)
    assert _read() == values_of(other)
    second.end()
    assert _read() == before


def values_of(tf32: bool) -> list[str]:
    """What is set for it, without waiting for anybody."""
    return (
        ["tf32" if tf32 else "ieee"] * len(_read()) if len(_read()) > 2 else ["high" if tf32 else "highest", str(tf32)]
    )


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_threads_of_overlapping_work_are_put_back_to_each_ones_own(first_ends_first):
    before = torch.get_num_threads()
    seen: dict[str, int] = {}

    def work(self: Other) -> None:
        torch.set_num_threads(3)
        with single_threads(CPU) as count:
            seen["count"] = count
            self.within.set()
            self.leave.wait(PATIENCE)
        seen["after"] = torch.get_num_threads()

    try:
        torch.set_num_threads(4)
        with single_threads(CPU) as ours:
            other = Other(work)
            assert other.within.wait(PATIENCE)
            if first_ends_first:
                other.end()
            assert (ours, torch.get_num_threads(), threads()) == (4, 1, 4 if first_ends_first else threads())
        assert torch.get_num_threads() == 4
        other.end()
        assert seen == {"count": 3, "after": 3}
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("kind", "at_once"), [("cpu", 3), ("cuda", 1)])
def test_threads_that_begin_meanwhile_have_one_of_torchs_each_beside_any_device(kind, at_once):
    before, seen = torch.get_num_threads(), []
    try:
        torch.set_num_threads(3)
        with single_threads(torch.device(kind)) as count:
            thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
            thread.start()
            thread.join(PATIENCE)
        assert (count, seen, torch.get_num_threads()) == (at_once, [1], 3)
    finally:
        torch.set_num_threads(before)
