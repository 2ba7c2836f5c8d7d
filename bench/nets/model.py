"""A net with its weights and everything that belongs to them, giving class posteriors of views."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import fx, nn

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets.compiled import Compiled, uncompilable
from bench.nets.convert import map_places, smallest_side
from bench.nets.cpu.grid import Grid
from bench.nets.dense_form import dense_form
from bench.nets.device import Precision, layout, sharing_pays
from bench.nets.engines.engine import TORCH, Engine
from bench.nets.flops import image_flops
from bench.nets.format_refusals import formats_refused
from bench.nets.host_memory import room_for
from bench.nets.layers import sharing_copy
from bench.nets.overflow import watched
from bench.nets.ready import Workshop
from bench.nets.torch_settings import threads
from bench.nets.vgg import VGG
from bench.nets.weights import Weights
from protocols.protocol import Part
from protocols.scales import SIDE, TrainingScale


@dataclass(frozen=True, eq=False)
class Model:
    """A classifier of K classes; `net` takes (N, channels, side, side) and gives (N, K) scores.

    `map_rule` says what is averaged over the positions of a class score map: `scores`, before the soft-max (section
    3.2 as we read it), or `posteriors`, after it. `configuration` is the paper's letter, or a dash; `side` that of the
    crops in pixels, `usual_side` that of most weights of such nets. `assumed`: which of "S", "pixels" and "side" nobody
    said. `drop` is the class of the weights that is left out, K are the others; `whole` says that all of 1001 are
    meant; with `kept` unset its posteriors are not to be stored, since nobody can tell what computed them. `code` is
    the place of a person's own code that made the net. `opened` is what `state_of` said of the net when its weights
    were read. `sharing` says whether crops of a grid share their early features, where that is not left to the device.
    `engine` is what computes it.
    """

    name: str
    weights: Weights
    net: nn.Module
    count: int
    pixels: Pixels
    S: TrainingScale
    device: torch.device
    precision: Precision
    map_rule: str = "scores"
    configuration: str = "–"
    side: int = SIDE
    usual_side: int = SIDE
    assumed: frozenset[str] = frozenset()
    drop: int | None = None
    whole: bool = False
    kept: bool = True
    code: str | None = None
    opened: tuple = ()
    sharing: bool | None = None
    engine: Engine = TORCH

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The classes' names, where the weights say them."""
        names = self.weights.classes
        return names if names is None or self.drop is None else names[: self.drop] + names[self.drop + 1 :]

    @property
    def label(self) -> str:
        """Its weights in a table, and what was left out of them."""
        return self.weights.label + ("" if self.drop is None else f" without class {self.drop}")

    @cached_property
    def converted(self) -> fx.GraphModule:
        """The fully-convolutional form, checked by numbers. Raises UserError where there is none."""
        return dense_form(self.name, self.net, self.side, self.pixels, self.known_as)

    @property
    def known_as(self) -> Hashable:
        """What tells its fully-convolutional form from others'."""
        return self.name, self.weights.digest, self.drop, self.side, self.pixels

    @cached_property
    def workshop(self) -> Workshop:
        return Workshop(self.name, self.device, self.precision)

    @cached_property
    def dense_net(self) -> nn.Module:
        return self._ready(self.converted, whole=True)

    @cached_property
    def crop_net(self) -> nn.Module:
        return self._ready(self.net, whole=False)

    def _ready(self, net: nn.Module, whole: bool) -> nn.Module:
        """A form of the net, made ready by what computes it."""
        if self.engine.runtime is None:
            return self.workshop.ready(net)
        height, width = (self.side + 45, self.side + 77) if whole else (self.side, self.side)
        noise = torch.randint(256, (2, 3, height, width), generator=torch.Generator().manual_seed(0))
        images, at_once = self.pixels.normalise(noise.byte()), threads() if self.device.type == "cpu" else 1
        return self.engine.ready(self.name, net, self.device, images, whole, at_once)

    @cached_property
    def compiled(self) -> dict[bool, Compiled]:
        """The nets that run as torch compiles them, by whether they see whole images."""
        return {}

    @property
    def uncompilable(self) -> str | None:
        """Why it is not to be compiled, None where it can be tried."""
        return f"{self.engine.name} computes it" if self.engine.runtime else uncompilable(self.net, self.precision)

    def compile(self, whole: bool) -> None:
        """Have whole images, or crops, seen by a compiled net from now on. A minute; where it fails a line says so."""
        on_cpu = self.device.type == "cpu"  # whose own forms are loops
        plain, own = (self.converted, self.dense_net) if whole else (self.net, self.crop_net)
        compiled = Compiled(self.name, self.workshop.ready(plain, own_forms=False) if on_cpu else own, sizes=whole)
        height, width = (self.side + 96, self.side + 160) if whole else (self.side, self.side)
        with torch.inference_mode():  # as later: what is made outside is another kind of tensor
            if compiled.begin(self.batch_of(torch.zeros(2, 3, height, width, dtype=torch.uint8))):
                self.compiled[whole] = compiled

    @cached_property
    def grid(self) -> Grid | None:
        """The form for crops that overlap, where the net is one of the paper's and sharing is as fast."""
        sharing = sharing_pays(self.device) if self.sharing is None else self.sharing
        return Grid(self.crop_net) if sharing and isinstance(self.crop_net, VGG) else None

    def ready(self, part: Part) -> None:
        """Put the net that a part needs onto the device, before several threads ask for it at once."""
        _ = self.dense_net if part.whole else (self.crop_net, self.grid)

    def check(self, part: Part, first_image: str) -> None:
        """Raise UserError where images at the part's Q are smaller than the net's smallest input."""
        dense = part.whole
        if dense and self.side <= part.Q and self.converted:
            return
        if part.method == "squash" and self.side != part.Q:
            raise UserError(
                f"{part}: {self.name} takes squares of {self.side} px; give squash@{self.side}, "
                f"squash-centre@{part.Q}, or --side {part.Q}"
            )
        smallest = self.smallest_dense_side if dense else self.side
        if smallest > part.Q:
            raise UserError(
                f"{part}: {first_image} becomes {part.Q} px on its shorter side and {self.name} needs {smallest}; "
                f"give a Q of at least {smallest}"
            )

    @cached_property
    def smallest_dense_side(self) -> int:
        """The smallest side, in pixels, that the fully-convolutional form takes."""
        return smallest_side(self.converted, self.side, self.pixels.channels)

    def posteriors(self, views: torch.Tensor, whole: bool) -> torch.Tensor:
        """Posteriors (N, K), float32 on the host, of uint8 RGB views (N, 3, H, W)."""
        return self.begun(views, whole).cpu()

    @torch.inference_mode()
    def begun(self, views: torch.Tensor, whole: bool) -> torch.Tensor:
        """The same on the model's device, which may be at work on them yet.

        Whole images go through the dense net. The one place where a class score map becomes posteriors.
        """
        scores = self._scores(self.dense_net if whole else self.crop_net, views, self.compiled.get(whole))
        if scores.ndim == 2:
            return scores.softmax(1)
        if self.map_rule == "posteriors":
            return scores.softmax(1).mean((2, 3))
        return scores.mean((2, 3)).softmax(1)

    @cached_property
    def map_places(self) -> tuple[float, float]:
        """Where on an image, in pixels, the positions of the class score map lie: the first, and their distance."""
        return map_places(self.converted, self.side, self.pixels.channels)

    @torch.inference_mode()
    def posterior_map(self, image: torch.Tensor, index: int | Sequence[int]) -> torch.Tensor:
        """Posterior of a class at each position of the class score map of a uint8 image (3, H, W): (h, w), float32.

        Of several classes (classes, h, w).
        """
        return self._scores(self.dense_net, image[None]).softmax(1)[0, index].cpu()

    def posteriors_of_grid(self, image: torch.Tensor, tops: Sequence[int], lefts: Sequence[int]) -> torch.Tensor:
        """Posteriors (L, T, K), float32 on the host, of the crops at all tops and lefts of uint8 RGB (3, H, W)."""
        return self.begun_grid(image, tops, lefts).cpu()

    @torch.inference_mode()
    def begun_grid(self, image: torch.Tensor, tops: Sequence[int], lefts: Sequence[int]) -> torch.Tensor:
        """The same on the model's device, which may be at work on them yet."""
        grid = self.grid
        assert grid is not None
        pixels = len(tops) * len(lefts) * self.side**2 // 4  # but for the first poolings they are not at full size
        scores = self._scores(self.crop_net, image[None], lambda batch: grid.scores(batch[0], tops, lefts), pixels)
        return scores.softmax(-1)

    def batch_of(self, views: torch.Tensor) -> torch.Tensor:
        """What the net takes of uint8 RGB views (N, 3, H, W): normalised, on the device, in its number format."""
        batch = self.pixels.normalise(views.to(self.device, non_blocking=True))
        return batch.to(self.precision.dtype).contiguous(memory_format=self._layout)

    @property
    def _layout(self) -> torch.memory_format:
        """How what the net takes lies in memory; runtimes take channels first."""
        return torch.contiguous_format if self.engine.runtime else layout(self.device, self.precision)

    def _scores(
        self,
        net: nn.Module,
        views: torch.Tensor,
        apply: Callable[[torch.Tensor], torch.Tensor] | None = None,
        pixels: int | None = None,
    ) -> torch.Tensor:
        """What a net gives of views, or `apply`, which calls it, in float32; `pixels` it sees at full size at once."""

        def compute() -> torch.Tensor:
            with room_for(pixels or views[:, 0].numel(), self.device):
                return (apply or net)(self.batch_of(views))

        with formats_refused(self.name, self.precision, self.device):
            return (watched(net, compute) if self.precision.name == "fp16" else compute()).float()

    def flops(self, height: int, width: int, whole: bool) -> int:
        """Floating-point operations for one view: twice its multiply-adds."""
        net = self._counted_dense if whole else self._counted_crop
        return image_flops(net, (self.pixels.channels, height, width))

    @cached_property
    def _counted_dense(self) -> nn.Module:
        return sharing_copy(self.converted).eval()

    @cached_property
    def _counted_crop(self) -> nn.Module:
        return sharing_copy(self.net).eval()
