"""A net's graph as torch finds it, kept from what other threads compute meanwhile.

While it traces, torch.fx stands in for the call of every module in the process, so that a net that another thread runs
would be traced too, or fail. torch.export follows one run of a net, and so through control flow.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from threading import Lock, get_ident
from typing import Any

import torch
from torch import fx, nn

_one_at_a_time = Lock()  # each takes torch.fx's patches back in the order in which it made them
_saying = Lock()  # what is said is everybody's


def traced(net: nn.Module) -> fx.GraphModule:
    """The net as a graph, as `fx.symbolic_trace` gives it. Raises whatever the net's own Python raises."""
    with _one_at_a_time:
        tracer = _OwnTracer()
        graph = tracer.trace(net)
    return fx.GraphModule(tracer.root, graph, type(net).__name__)


def exported(net: nn.Module, images: torch.Tensor) -> "torch.export.ExportedProgram":
    """What a net does to batches of any number of such images, at least two. Raises whatever torch says of others."""
    count = torch.export.Dim("count", min=2)
    with torch.no_grad(), _silent():
        return torch.export.export(net, (images,), dynamic_shapes=({0: count},))


@contextmanager
def _silent() -> Iterator[None]:
    """Nothing is said of a net that cannot be exported but the error; one at a time, since that is global."""
    with _saying, redirect_stderr(StringIO()):
        before = logging.root.manager.disable
        logging.disable()
        try:
            yield
        finally:
            logging.disable(before)


class _OwnTracer(fx.Tracer):
    """Traces what its own thread calls; what others call is called."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = get_ident()

    def create_node(self, *args: Any, **kwargs: Any) -> fx.Node:
        """Raises RuntimeError where the net changes its number format, which a graph does not say."""
        if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
            raise RuntimeError("autocast within a net is no part of its graph")
        return super().create_node(*args, **kwargs)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if get_ident() != self.thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if get_ident() != self.thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)
