"""A stand-in for a CUDA device: it computes on the CPU, and refuses what a real one refuses.

Its tensors say that they are on `cuda:0`. Those of two devices do not mix, NumPy does not see them, and what is copied
without waiting is not there before somebody waits. Products of other shapes round otherwise. So a device's code paths
run, and are judged, where there is none; number formats, speed, the order of streams, memory, gradients and what a
compiler makes are a real device's own.
"""

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

CUDA = torch.device("cuda:0")
NAME = "a stand-in for a GPU"
POSSIBLE = hasattr(torch._C, "_ensureCUDADeviceGuardSet")  # without it no tensor can be on a device that is not there
aten = torch.ops.aten
COPIES = (aten._to_copy.default, aten.copy_.default)  # may lead from one device to another
INDEXED = ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")  # take the host's indices
PRODUCTS = tuple(getattr(aten, name).default for name in ("convolution", "addmm", "mm", "bmm", "baddbmm"))
_to_device: list[Callable[[], object]] = []  # copies that nobody has waited for yet
_to_host: list[Callable[[], object]] = []
_pinned: set[int] = set()  # addresses


class OnDevice(torch.Tensor):
    """A tensor on the stand-in; `near` are its values, on the CPU."""

    near: torch.Tensor

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> "OnDevice":
        layout = {"strides": near.stride(), "storage_offset": near.storage_offset(), "dtype": near.dtype}
        with torch.inference_mode(near.is_inference()):  # a view shares the versions of what it is of
            self = torch.Tensor._make_wrapper_subclass(cls, near.size(), **layout, device=CUDA)
        self.near = near
        return self

    def __repr__(self, **_: Any) -> str:
        return f"OnDevice({self.near!r})"

    def record_stream(self, stream: "Stream") -> None:
        """Torch would take no stream but its own."""
        assert isinstance(stream, Stream)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        return _done(func, args, kwargs or {})


class _Host(TorchDispatchMode):
    """In a thread of the host: sees how tensors come to the device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        return _done(func, args, kwargs or {})


def _done(func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """An operation on the CPU, with its result where it belongs."""
    if func._schema.name == "aten::to":  # within inference mode it comes as it was called
        with _Host():
            return func.decompose(*args, **kwargs)
    given = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
    here = [each for each in given if isinstance(each, OnDevice)]
    if func is aten.is_pinned.default:
        return _is_pinned(args[0])
    if func is aten._pin_memory.default:
        return _pin(args[0].clone())
    if func in COPIES and any(each.device.type != "meta" for each in given):
        return _copied(func, args, kwargs)
    if here and func._schema.name not in INDEXED:
        _one_device(func, given)
    if here:
        _run(_to_device)
    asked, pin = kwargs.get("device"), kwargs.get("pin_memory")
    there = bool(here) if asked is None else torch.device(asked).type == "cuda"
    if there and asked is not None:
        kwargs = {**kwargs, "device": "cpu"}
    if pin:
        return _pin(func(*args, **{**kwargs, "pin_memory": False}))
    found = func(*tree_map(_near, args), **tree_map(_near, kwargs))
    if there and func in PRODUCTS and found.is_floating_point():
        found.mul_(1 + (sum(found.shape) % 3 - 1) * torch.finfo(found.dtype).eps)  # kernels go with the shapes
    if not there:
        return found
    own = {id(each.near): each for each in here if func._schema.is_mutable}  # what was written to is given back
    return tree_map(lambda each: own[id(each)] if id(each) in own else _wrapped(each), found)


def _near(each: Any) -> Any:
    return each.near if isinstance(each, OnDevice) else each


def _wrapped(each: Any) -> Any:
    return OnDevice(each) if isinstance(each, torch.Tensor) else each


def _one_device(func: Any, given: list[torch.Tensor]) -> None:
    """Raise RuntimeError where tensors of two devices meet; single numbers of the host may."""
    if strange := [each for each in given if each.ndim and each.device != CUDA]:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, cuda:0 and "
            f"{strange[0].device}! ({func})"
        )


def _copied(func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """What `to` and `copy_` give; without waiting, values come when somebody waits, or the device reads them."""
    kwargs = dict(kwargs)
    in_place = func is aten.copy_.default
    source = args[1] if in_place else args[0]
    asked = kwargs.pop("device", None)
    waits = not (kwargs.pop("non_blocking", False) or (in_place and len(args) > 2 and args[2]))
    if in_place:
        target = args[0].device
    else:
        target = source.device if asked is None else torch.device(asked)
        if target.type == "meta":
            return func(_near(source), **kwargs, device=target)
    there = target.type == "cuda"
    if isinstance(source, OnDevice):
        _run(_to_device)
    values = _near(source) if in_place else func(_near(source), **kwargs)
    into = _near(args[0]) if in_place else values.clone(memory_format=torch.preserve_format)
    if waits or target.type == source.device.type or (there and not _is_pinned(source)):
        into.copy_(values)
    elif there:  # the host's memory is read when the device comes to it
        into.fill_(0)
        _to_device.append(lambda: into.copy_(source))
    else:
        taken = values.clone()
        into.fill_(-1 if into.dtype.is_signed else 255)
        _to_host.append(lambda: into.copy_(taken))
    if in_place:
        return args[0]
    return OnDevice(into) if there else into


def _pin(tensor: torch.Tensor) -> torch.Tensor:
    address = tensor.untyped_storage().data_ptr()
    _pinned.add(address)
    weakref.finalize(tensor, _pinned.discard, address)
    return tensor


def _is_pinned(tensor: torch.Tensor) -> bool:
    return not isinstance(tensor, OnDevice) and tensor.untyped_storage().data_ptr() in _pinned


def _run(copies: list[Callable[[], object]]) -> None:
    while copies:
        copies.pop(0)()


def wait(*_: object, **__: object) -> None:
    """All that was asked for is done."""
    with torch.inference_mode():
        _run(_to_device)
        _run(_to_host)


class Event:
    """What is recorded has been done when it was waited for."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def record(self, *_: object) -> None: ...

    def wait(self, *_: object) -> None: ...

    def query(self) -> bool:
        wait()
        return True

    def synchronize(self) -> None:  # `wait` is here what a stream does
        wait()

    def elapsed_time(self, _: "Event") -> float:
        return 1.0


class Stream:
    """One after the other, whatever the stream."""

    device = CUDA

    def __init__(self, *_: object, **__: object) -> None: ...

    def wait_stream(self, _: "Stream") -> None: ...

    def wait_event(self, _: Event) -> None: ...

    def record_event(self, event: Event | None = None) -> Event:
        return event or Event()

    synchronize = wait

    def query(self) -> bool:
        return True


@contextmanager
def standing_in() -> Iterator[torch.device]:
    """While the body runs this process has one CUDA device, the stand-in: in this thread and those that begin in it."""
    stream, run = Stream(), threading.Thread.run

    def run_with_device(thread: threading.Thread) -> None:
        with _Host():
            run(thread)

    properties = SimpleNamespace(name=NAME, total_memory=8 << 30, major=9, minor=0, multi_processor_count=1)
    cuda = {
        "_lazy_init": lambda: None,
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "set_device": lambda _: None,
        "device": nullcontext,
        "get_device_name": lambda _=None: NAME,
        "get_device_properties": lambda _=None: properties,
        "get_device_capability": lambda _=None: (9, 0),
        "is_bf16_supported": lambda *_: True,
        "mem_get_info": lambda _=None: (8 << 30, 8 << 30),
        "memory_allocated": lambda _=None: 0,
        "max_memory_allocated": lambda _=None: 1 << 20,
        "reset_peak_memory_stats": lambda _=None: None,
        "empty_cache": lambda: None,
        "synchronize": wait,
        "manual_seed_all": lambda _: None,
        "Stream": Stream,
        "Event": Event,
        "stream": lambda _: nullcontext(),
        "current_stream": lambda _=None: stream,
        "default_stream": lambda _=None: stream,
    }
    torch._C._ensureCUDADeviceGuardSet()
    torch._C._set_only_lift_cpu_tensors(True)
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # else a layer's tensor becomes one of no class
    started = patch.object(threading.Thread, "run", run_with_device)
    compiled = patch.object(torch, "compile", lambda net=None, **_: net if net is not None else lambda each: each)
    try:
        with patch.multiple(torch.cuda, **cuda), started, compiled, _Host():
            yield CUDA
    finally:
        torch._C._set_only_lift_cpu_tensors(False)
        torch.__future__.set_overwrite_module_params_on_conversion(False)
