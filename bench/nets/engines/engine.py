"""What computes nets: torch, or a runtime by its name. Exact or refused, like all that is made of a net here."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from bench.errors import UserError
from bench.nets.device import Precision
from bench.nets.engines.exporting import onnx_graph
from bench.nets.engines.onnx_runtime import OnnxRuntime
from bench.nets.engines.openvino import OpenVino
from bench.nets.engines.runtime import Opened, Runtime
from bench.nets.engines.tensorrt import TensorRt
from bench.nets.out_of_memory import brief, enough_memory, out_of_memory
from bench.nets.torch_settings import products_in

RUNTIMES: dict[str, Callable[[], Runtime]] = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "tensorrt": TensorRt}
AGREE = 1e-5  # the largest difference of a posterior from torch's
ALIKE = 1e-4  # the same of a score, as a share of the largest


@dataclass(frozen=True)
class Engine:
    """By its name; torch is the reference, the others must agree with it."""

    name: str = "torch"

    @property
    def runtime(self) -> Runtime | None:
        """None is torch."""
        return None if self.name == "torch" else RUNTIMES[self.name]()

    @property
    def made(self) -> dict[str, str]:
        """What blocks say of a runtime, beside what all of them say. Raises UserError where it is not installed."""
        return {"engine": f"{self.name} {self.runtime.version()}"} if self.runtime else {}

    def check(self, device: torch.device, precision: Precision) -> None:
        """Raise UserError where it is not installed, or computes neither there nor so."""
        runtime = self.runtime
        if runtime is None:
            return
        if device.type != runtime.device:
            raise UserError(
                f"engine '{self.name}': it computes on {runtime.device}, this is {device.type}; give "
                f"--device {runtime.device}, or --engine torch"
            )
        if precision.name != "fp32":
            raise UserError(
                f"dtype '{precision.name}': engine {self.name} computes in fp32 alone; give --dtype fp32, or "
                "--engine torch"
            )
        runtime.version()

    def ready(
        self, name: str, net: nn.Module, device: torch.device, images: torch.Tensor, whole: bool, at_once: int
    ) -> nn.Module:
        """A net for crops, or the dense form for whole images, in the runtime; compared with torch on noise.

        `images` (2, C, H, W) are noise as the net takes it; so many calls may be computed at once. Raises UserError
        where the runtime does not take the net, or gives other numbers.
        """
        refused = f"engine '{self.name}': it does not take {name}'s {'dense form' if whole else 'net'}"
        with torch.inference_mode(False), enough_memory(f"model '{name}'", "give --engine torch"):
            try:
                opened = Opened(
                    RUNTIMES[self.name]().opened(onnx_graph(net, images, open_sizes=whole), device, at_once)
                )
                difference = _difference(net, opened, device, _others(images, whole))
            except UserError:
                raise
            except Exception as error:  # exporters and runtimes have types of their own
                if out_of_memory(error):
                    raise
                raise UserError(f"{refused} ({brief(error)}); give --engine torch") from None
        if difference:
            raise UserError(f"{refused}: {difference}; give --engine torch")
        return opened


TORCH = Engine()


def _others(images: torch.Tensor, whole: bool) -> torch.Tensor:
    """As many images and of such sizes as the graph was not made from: what it took for fixed shows."""
    return images[:1, :, 7:, 3:] if whole else torch.cat([images, images[:1].flip(-1)])


@torch.no_grad()
def _difference(net: nn.Module, opened: nn.Module, device: torch.device, images: torch.Tensor) -> str:
    """How its scores of images differ from torch's, in words; empty where they are the same by the house's measure."""
    with products_in(tf32=False):
        ours, theirs = net(images), opened(images.to(device)).cpu()
    if ours.shape != theirs.shape:
        return f"of images {tuple(images.shape)} it makes {tuple(theirs.shape)}, torch {tuple(ours.shape)}"
    largest = float(ours.nan_to_num().abs().max())
    for kind, one, other, most in (
        ("posteriors", ours.softmax(1), theirs.softmax(1), AGREE),
        ("scores", ours, theirs, ALIKE * largest),
    ):
        if not torch.allclose(one, other, rtol=0, atol=most, equal_nan=True):
            return f"its {kind} differ from torch's by {float((one - other).abs().max()):.1g}, allowed are {most:.1g}"
    return ""
