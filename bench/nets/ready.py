"""Nets made ready to compute: on the device, in its number format, in the forms that are fast there."""

import torch
from torch import nn

from bench.errors import UserError
from bench.nets.batch_norms import folded
from bench.nets.cpu.forms import quicken
from bench.nets.device import Precision, layout
from bench.nets.float32_parts import keep_single, single_tensors
from bench.nets.layers import copy_with, scripted
from bench.nets.out_of_memory import enough_memory


class Workshop:
    """Makes forms of one net ready; they share the tensors that the net's forms share, and the net keeps its own.

    A tensor that is as the device wants it is taken as it is, without a copy.
    """

    def __init__(self, name: str, device: torch.device, precision: Precision) -> None:
        self.name, self.device, self.precision = name, device, precision
        self.layout = layout(device, precision)
        self.made: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # by identity: a net's tensor, and what is used

    @torch.inference_mode(False)  # tensors made within it could not become another form's parameters outside
    def ready(self, net: nn.Module, own_forms: bool = True) -> nn.Module:
        """A net of its own for computing; with `own_forms`, on a CPU, its layers in the forms that are fast there.

        Raises UserError where it has no room, or the format none for its numbers.
        """
        net = folded(net)  # in float32, before anything is rounded to another format
        lower = self.precision.name != "fp32"
        single = {id(each) for each in single_tensors(net)} if lower else set()

        def made(tensor: torch.Tensor) -> torch.Tensor:
            return self._made(net, tensor, torch.float32 if id(tensor) in single else self.precision.dtype)

        with enough_memory(f"model '{self.name}'", f"free some of {self.device}'s, or give another --device"):
            ready = copy_with(net, made).eval()
            if scripted(net):
                ready = ready.to(self.device)
        if lower:
            keep_single(ready)
        if own_forms and self.device.type == "cpu":
            quicken(ready)
        return ready

    def _made(self, net: nn.Module, tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """What stands for a net's tensor on the device; made once."""
        if id(tensor) not in self.made:
            value = tensor.detach().to(self.device, dtype if tensor.is_floating_point() else tensor.dtype)
            if value.ndim == 4:
                value = value.contiguous(memory_format=self.layout)
            if value.dtype == torch.float16 and not value.isfinite().all():
                self._refuse(net, tensor)
            self.made[id(tensor)] = tensor, value
        return self.made[id(tensor)][1]

    def _refuse(self, net: nn.Module, tensor: torch.Tensor) -> None:
        """A variance that became infinite would give zeros."""
        name = next(name for name, each in net.state_dict(keep_vars=True).items() if each is tensor)
        raise UserError(
            f"dtype 'fp16': {self.name}'s {name} has values beyond its largest, 65504; give --dtype bf16 or fp32"
        )
