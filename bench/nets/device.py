"""Which device computes, and in which number format."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from bench.errors import UserError
from bench.nets.torch_settings import products_in, threads
from bench.provenance import multiplies_bf16, processor

# How many of each kind this machine has, as torch sees them; torch's modules are asked when it is wanted
COUNTS: dict[str, Callable[[], int]] = {
    "cpu": lambda: 1,
    "cuda": lambda: torch.cuda.device_count(),
    "mps": lambda: int(torch.backends.mps.is_available()),
    "xpu": lambda: torch.xpu.device_count() if hasattr(torch, "xpu") else 0,
}
SLOW_BF16 = "dtype 'bf16': this processor has no units for it, and fp32 is faster"
LABELS = {"cuda": "CUDA devices", "mps": "GPUs of Apple's", "xpu": "XPU devices"}


def pick_device(name: str, worker: int = 0) -> torch.device:
    """`auto` (CUDA where there is one, else the CPU), or `cpu`, `cuda`, `cuda:1`, `mps`, `xpu`.

    Under `auto` the workers of one machine take its CUDA devices in turn. Raises UserError where it is not there.
    """
    if name == "auto":
        count = COUNTS["cuda"]()
        return torch.device(f"cuda:{worker % count}" if count else "cpu")
    try:
        device = torch.device(name)
        count = COUNTS[device.type]()
    except (RuntimeError, KeyError, TypeError):
        raise UserError(f"device '{name}': give auto, cpu, cuda, cuda:N, mps or xpu") from None
    if device.type != "cpu" and (device.index or 0) >= count:
        raise UserError(
            f"device '{name}': this machine has {count} {LABELS[device.type]}, as torch sees them; give cpu or auto"
        )
    return device


@dataclass(frozen=True)
class Precision:
    """A number format by its name in the signature; only fp32 is the reference."""

    name: str

    @property
    def dtype(self) -> torch.dtype:
        return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.name, torch.float32)

    def said(self, device: torch.device) -> str:
        """What keys and signatures say: fp32 is the same everywhere, what others give is the device's own."""
        return self.name if self.name == "fp32" else f"{self.name}@{''.join(chip(device).split())}"

    def settings(self) -> AbstractContextManager[None]:
        """Torch's for the whole process, while the body runs: TF32 only where it was asked for."""
        return products_in(self.name == "tf32")

    def slow_on(self, device: torch.device) -> bool:
        """Whether the device is known to compute in it by way of another format, which is slower than that one."""
        return device.type == "cpu" and self.name == "bf16" and multiplies_bf16() is False

    def check(self, device: torch.device) -> None:
        """Raise UserError where the device has no such numbers."""
        if self.name == "tf32" and device.type != "cuda":
            raise UserError(f"dtype 'tf32': only CUDA devices have it, this is {device.type}; give fp32 or bf16")
        if self.name != "fp32" and device.type not in ("cpu", "cuda"):
            raise UserError(f"dtype '{self.name}': on {device.type} only fp32 is computed; give --dtype fp32")


def layout(device: torch.device, precision: Precision) -> torch.memory_format:
    """How maps and kernels (N, C, H, W) lie in memory.

    Channels last, as matrix units and a CPU's vector units take them; channels first on a GPU that computes in float32
    without TF32, where the kernels with fewer multiplications know no other.
    """
    plain = device.type == "cuda" and precision.name == "fp32"
    return torch.contiguous_format if plain else torch.channels_last


def sharing_pays(device: torch.device) -> bool:
    """Whether crops of a grid share their early features: a fifth of the operations less, in hundreds of small steps.

    A CPU feels the operations alone; a GPU takes longer to begin the steps than the operations take.
    """
    return device.type == "cpu"


def chip(device: torch.device) -> str:
    """The model of what computes."""
    if device.type in ("cuda", "xpu"):
        return getattr(torch, device.type).get_device_name(device)
    return f"{processor()} GPU" if device.type == "mps" else processor()


def device_name(device: torch.device) -> str:
    """What a throughput was measured on."""
    return f"{chip(device)}, {threads()} threads" if device.type == "cpu" else chip(device)


def synchronise(device: torch.device) -> None:
    """Wait for a device that works on after a call has returned."""
    if device.type in ("cuda", "mps", "xpu"):
        module = getattr(torch, device.type)
        module.synchronize() if device.type == "mps" else module.synchronize(device)
