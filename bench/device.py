"""Which device computes, and in which number format."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from bench.cpu import keep_freed_memory
from bench.errors import UserError
from bench.provenance import processor


def pick_device(name: str, worker: int = 0) -> torch.device:
    """`auto` (CUDA where there is one), `cpu`, `cuda` or `cuda:1`. Raises UserError where it is not there.

    Under `auto` the workers of one machine take its CUDA devices in turn.
    """
    if name == "auto":
        count = torch.cuda.device_count()
        return torch.device(f"cuda:{worker % count}" if count else "cpu")
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda"):
            raise RuntimeError
    except RuntimeError:
        raise UserError(f"device '{name}': give auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device '{name}': this machine has {torch.cuda.device_count()} CUDA devices; give cpu or auto")
    return device


@dataclass(frozen=True)
class Precision:
    """A number format by its name in the signature; only fp32 is the reference."""

    name: str

    @property
    def dtype(self) -> torch.dtype:
        return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.name, torch.float32)

    def set_up(self, device: torch.device) -> None:
        """Make the device ready: TF32 only where it was asked for. Raises UserError where the device has none."""
        tf32 = self.name == "tf32"
        if tf32 and device.type != "cuda":
            raise UserError(f"dtype 'tf32': only CUDA devices have it, this is {device.type}; give fp32 or bf16")
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
        if device.type == "cpu":
            keep_freed_memory()


@contextmanager
def single_threads(device: torch.device) -> Iterator[int]:
    """How many batches to compute at once: on a CPU as many as torch has threads, with one thread each meanwhile.

    Small layers leave most of a team of threads waiting, and its members keep the cores from decoding as they wait.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu":
        yield 1
        return
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def device_name(device: torch.device) -> str:
    """What a throughput was measured on."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{processor()}, {torch.get_num_threads()} threads"
