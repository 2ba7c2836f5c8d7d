"""What tests of hostile files share: how a file is refused, and what may be read of an altered one."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from bench.errors import UserError
from bench.nets.reading import read_weights
from bench.nets.weights import Weights

LIMIT = 200_000  # kB that may be taken for a file which is refused


def most_memory() -> int:
    """The most that this process has held, in kB."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def refused(path: Path | str, model: str | None = None, read: Callable[..., object] = read_weights) -> str:
    """What is said of weights, in one line; little memory is taken for it."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far, which would hide a lower one
    before = most_memory()
    with pytest.raises(UserError) as caught:
        read(str(path), model)
    assert most_memory() < before + LIMIT
    assert "\n" not in str(caught.value)
    return str(caught.value)


def cut_and_altered(content: bytes, steps: int) -> Iterator[bytes]:
    """The content cut short, and with a byte changed, at places all over it."""
    for place in range(0, len(content), max(1, len(content) // steps)):
        yield content[:place]
        yield content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


def read_or_refused(path: Path, model: str | None = None) -> Weights | None:
    """The weights if they are read, in which case they are plain and finite; None where they are refused in a line."""
    found = None
    with suppress(UserError):
        found = read_weights(str(path), model)
    assert found is None or all(torch.isfinite(value).all() for value in found.state.values())
    return found
