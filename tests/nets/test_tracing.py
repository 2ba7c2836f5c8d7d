"""Tracing leaves alone what other threads compute, and what they trace."""

import threading
from collections.abc import Callable

import torch
from torch import fx, nn

from bench.nets.tracing import traced


class Slow(nn.Module):
    """In the middle of whose tracing others get their turn."""

    def __init__(self, turn: Callable[[], object]) -> None:
        super().__init__()
        self.first, self.last, self.turn = nn.Linear(4, 4), nn.Linear(4, 2), turn

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        rows = self.first(rows)
        self.turn()
        return self.last(rows)


def in_another_thread(work: Callable[[], object]) -> object:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0] if found else None


def test_what_another_thread_computes_meanwhile_is_computed():
    other, rows, found = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.rand(3, 4), []
    graph = traced(Slow(lambda: found.append(in_another_thread(lambda: other(rows)))))
    assert torch.equal(found[0], other(rows))
    assert [node.op for node in graph.graph.nodes] == ["placeholder", "call_module", "call_module", "output"]


def test_two_may_trace_at_once_and_torch_is_left_as_it_was():
    before = nn.Module.__call__, nn.Module.__getattr__
    graphs: list[fx.GraphModule] = []
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        for _ in range(20):
            graphs.append(traced(Slow(lambda: None)))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (nn.Module.__call__, nn.Module.__getattr__) == before
    assert {str(graph.graph) for graph in graphs} == {str(traced(Slow(lambda: None)).graph)}
    assert len(graphs) == 40
