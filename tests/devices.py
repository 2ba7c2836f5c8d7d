"""How far what a device computes may lie from the same in float64, and why: the one place for it.

A product in a format rounds what it multiplies by a `unit` of its size (half of the last digit's worth), and one
rounding knows nothing of another. So a sum of many products is wrong by about a unit of its own usual size, however
many they are, and a net of L layers by sqrt(L) units: 4 for sixteen. Scores of the nets here are about 2, and of
hundreds the worst is three or four times as wrong as the usual one; a posterior moves by at most half of what a score
does. That makes 4 * 2 * 4 / 2 = 16 units of a posterior's whole range.

- fp32 (24 digits, unit 6e-8) would need 1e-6. It gets 1e-5, since convolutions in it may be transformed (Winograd's
  larger tiles, FFTs), which costs up to a digit. TF32 must be off: it would be a hundred times farther.
- tf32 and fp16 have 11 digits (unit 4.9e-4), bf16 has 8 (unit 3.9e-3). Sums and the last layer are float32.

On a CPU in fp32 a view's numbers are the same to the bit whatever is computed beside it, which is promised. A device
chooses its kernels by the shapes they are given, so there the same views in other batches agree as above; the same
batches give the same bits, since no kernel of a forward pass adds in an order of chance and none is chosen by a race
(`torch.backends.cudnn.benchmark` stays off).
"""

import numpy as np
import torch

from bench.nets.device import pick_device

UNITS = {"fp32": 2.0**-24, "tf32": 2.0**-11, "fp16": 2.0**-11, "bf16": 2.0**-8}
POSTERIORS = {name: 16 * unit for name, unit in UNITS.items()} | {"fp32": 1e-5}

_chosen = [torch.device("cpu")]


def choose(name: str) -> None:
    """Once, before any test. Raises UserError where it is not there."""
    _chosen[0] = pick_device(name)


def chosen() -> torch.device:
    """Where nets compute in tests, as `--device` says."""
    return _chosen[0]


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    """Posteriors of the same views, maybe in other batches: on a CPU to the bit."""
    if chosen().type == "cpu":
        assert np.array_equal(found, expected)
    else:
        assert_close(found, expected)


def assert_close(found: np.ndarray, expected: np.ndarray, dtype: str = "fp32") -> None:
    """Posteriors of two devices, or of a device and float64."""
    assert found.shape == expected.shape
    farthest = np.abs(found.astype(np.float64) - expected).max()
    assert farthest < POSTERIORS[dtype]
