"""What explains a difference between two runs but is no part of what was measured: machine, versions, commit."""

import os
import platform
import shlex
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.version import __version__


@cache
def provenance() -> dict[str, str]:
    """What computes, and beside it the commit of this package, with `-dirty` where the tree was altered."""
    return {**computing(), "commit": _commit(), "command": command_given()}


@cache
def computing() -> dict[str, str]:
    """What every block keeps of its making: machine, versions, and the vector units that torch uses of the processor.

    The last decide how pixels are rescaled, in rare values by one level.
    """
    from torch.backends.cpu import get_cpu_capability

    return {
        "machine": f"{platform.system()} {platform.machine()}, {processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "torchvision", "numpy", "pillow")},
        "vgg-protocols": __version__,
        "cpu_capability": get_cpu_capability(),
    }


def _version(name: str) -> str:
    """Of an installed package; some are without their metadata, such as a cluster's own torch, or another's Pillow."""
    try:
        return version(name)
    except PackageNotFoundError:
        module = sys.modules.get("PIL" if name == "pillow" else name)
        return getattr(module, "__version__", "unknown")


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return _brand() or platform.processor() or platform.machine() or "unknown processor"


def multiplies_bf16() -> bool | None:
    """Whether this processor has units for bf16 (AVX512-BF16, AMX, or ARM's); None where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        flags = next(line.split(":", 1)[1].split() for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return None
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)


def _brand() -> str:
    """What macOS calls it, such as Apple M2; platform says arm."""
    if platform.system() != "Darwin":
        return ""
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    folder = Path(__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return "unknown"
    try:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def command_given() -> str:
    """The command as it can be typed again, for logs and weights' headers."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    program = ["python", "-m", spec.name.removesuffix(".__main__")] if spec else [Path(sys.argv[0]).name]
    return shlex.join([*program, *sys.argv[1:]])
