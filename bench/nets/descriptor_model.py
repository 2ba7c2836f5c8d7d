"""A net that gives descriptors in place of posteriors: what its last layer sees, averaged over positions."""

from dataclasses import dataclass, field, fields

import torch
from torch import fx

from bench.errors import UserError
from bench.nets.conversion.before_last import before_last_layer
from bench.nets.convert import UnconvertibleError
from bench.nets.dense_form import exact_form
from bench.nets.layers import on_meta
from bench.nets.model import Model


@dataclass(frozen=True, eq=False)
class DescriptorModel(Model):
    """A model whose dense net is `cut` before its last layer (appendix B); `count` is the length of its descriptors.

    It has no use for crops.
    """

    cut: fx.GraphModule = field(kw_only=True)

    @property
    def converted(self) -> fx.GraphModule:
        """The fully-convolutional form without its last layer."""
        return self.cut

    @torch.inference_mode()
    def begun(self, views: torch.Tensor, whole: bool) -> torch.Tensor:
        """Descriptors (N, D), float32 on the model's device, of whole images, uint8 RGB (N, 3, H, W)."""
        return self._scores(self.dense_net, views, self.compiled.get(whole)).mean((2, 3))


def describing(model: Model) -> DescriptorModel:
    """The model as it gives descriptors. Raises UserError where its net has no fully-convolutional form."""
    try:
        cut = before_last_layer(exact_form(model.net, model.side, model.pixels, model.known_as))
        length = _length(cut, model.pixels.channels, model.side)
    except UnconvertibleError as error:
        raise UserError(
            f"model '{model.name}' cannot see whole images of any size, as descriptors need it: {error}; give a net "
            "that has a dense form (docs/nets.md)"
        ) from None
    said = {each.name: getattr(model, each.name) for each in fields(model)}
    return DescriptorModel(**said | {"count": length}, cut=cut)


def _length(cut: fx.GraphModule, channels: int, side: int) -> int:
    """Raises UnconvertibleError where what is left gives no map."""
    shape = on_meta(cut)(torch.empty(1, channels, side, side, device="meta")).shape
    if len(shape) != 4:
        raise UnconvertibleError(f"its last layer sees {tuple(shape)}, no map")
    return int(shape[1])
