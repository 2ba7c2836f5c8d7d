"""A net with its weights and everything that belongs to them, giving class posteriors of views."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import fx, nn

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets import zoo
from bench.nets.conversion_check import check_conversion
from bench.nets.convert import UnconvertibleError, fully_convolutional, map_places, smallest_side
from bench.nets.cpu.grid import Grid
from bench.nets.device import Precision
from bench.nets.layers import on_meta
from bench.nets.net_spec import NetSpec
from bench.nets.out_of_memory import brief
from bench.nets.overflow import Float16OverflowError, watched
from bench.nets.ready import Workshop
from bench.nets.vgg import VGG
from bench.nets.weights import Weights, read_weights
from protocols.protocol import Part
from protocols.scales import TrainingScale, assumed_S

CHECKED: set[tuple] = set()  # conversions that this process has found to be exact


@dataclass(frozen=True, eq=False)
class Model:
    """A classifier of K classes; `net` takes (N, channels, side, side) and gives (N, K) scores.

    `map_rule` says what is averaged over the positions of a class score map: `scores`, before the soft-max (section
    3.2 as we read it), or `posteriors`, after it. `assumed`: which of "S", "pixels" and "side" nobody said. `crop` is
    the side of the crops in pixels, None for the net's own; `drop` the class of the weights that is left out, K are
    the others; `whole` says that all of 1001 are meant.
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
    assumed: frozenset[str] = frozenset()
    crop: int | None = None
    drop: int | None = None
    whole: bool = False

    @property
    def configuration(self) -> str:
        return zoo.configuration(self.name, self.weights.width)

    @property
    def side(self) -> int:
        """Side of the crops, in pixels."""
        return self.crop or zoo.side_of(self.name)

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
        try:
            converted = fully_convolutional(self.net, self.side, self.pixels.channels)
            self._check(converted)
            return converted
        except UnconvertibleError as error:
            raise UserError(
                f"model '{self.name}' cannot be made fully convolutional: {error}; give centre, tencrop or multicrop"
            ) from None

    def _check(self, converted: fx.GraphModule) -> None:
        """By numbers, once for a net and its weights; without storage there are none."""
        known = self.name, self.weights.digest, self.drop, self.side, self.pixels
        if known not in CHECKED and not next(self.net.parameters()).is_meta:
            check_conversion(self.net, converted, self.side, self.pixels)
            CHECKED.add(known)

    @cached_property
    def workshop(self) -> Workshop:
        return Workshop(self.name, self.device, self.precision)

    @cached_property
    def dense_net(self) -> nn.Module:
        return self.workshop.ready(self.converted)

    @cached_property
    def crop_net(self) -> nn.Module:
        return self.workshop.ready(self.net)

    @cached_property
    def grid(self) -> Grid | None:
        """The form for crops that overlap, where the net is one of the paper's."""
        return Grid(self.crop_net) if isinstance(self.crop_net, VGG) else None

    def ready(self, part: Part) -> None:
        """Put the net that a part needs onto the device, before several threads ask for it at once."""
        _ = self.dense_net if part.method == "dense" else self.grid

    def check(self, part: Part, first_image: str) -> None:
        """Raise UserError where images at the part's Q are smaller than the net's smallest input."""
        dense = part.method == "dense"
        if dense and self.side <= part.Q and self.converted:
            return
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

    @torch.inference_mode()
    def posteriors(self, views: torch.Tensor, whole: bool) -> torch.Tensor:
        """Posteriors (N, K), float32 on the host, of uint8 RGB views (N, 3, H, W).

        Whole images go through the dense net. The one place where a class score map becomes posteriors.
        """
        scores = self._scores(self.dense_net if whole else self.crop_net, views)
        if scores.ndim == 2:
            return scores.softmax(1).cpu()
        if self.map_rule == "posteriors":
            return scores.softmax(1).mean((2, 3)).cpu()
        return scores.mean((2, 3)).softmax(1).cpu()

    @cached_property
    def map_places(self) -> tuple[float, float]:
        """Where on an image, in pixels, the positions of the class score map lie: the first, and their distance."""
        return map_places(self.converted, self.side, self.pixels.channels)

    @torch.inference_mode()
    def posterior_map(self, image: torch.Tensor, index: int) -> torch.Tensor:
        """Posterior of a class at each position of the class score map of a uint8 image (3, H, W): (h, w), float32."""
        return self._scores(self.dense_net, image[None]).softmax(1)[0, index].cpu()

    @torch.inference_mode()
    def posteriors_of_grid(self, image: torch.Tensor, tops: Sequence[int], lefts: Sequence[int]) -> torch.Tensor:
        """Posteriors (L, T, K), float32 on the host, of the crops at all tops and lefts of uint8 RGB (3, H, W)."""
        grid = self.grid
        assert grid is not None
        scores = self._scores(self.crop_net, image[None], lambda batch: grid.scores(batch[0], tops, lefts))
        return scores.softmax(-1).cpu()

    def batch_of(self, views: torch.Tensor) -> torch.Tensor:
        """What the net takes of uint8 RGB views (N, 3, H, W): normalised, on the device, in its number format."""
        batch = self.pixels.normalise(views.to(self.device, non_blocking=True))
        return batch.to(self.precision.dtype).contiguous(memory_format=torch.channels_last)

    def _scores(
        self, net: nn.Module, views: torch.Tensor, apply: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> torch.Tensor:
        """What a net gives of views, or `apply`, which calls it, in float32."""

        def compute() -> torch.Tensor:
            return (apply or net)(self.batch_of(views))

        try:
            return (watched(net, compute) if self.precision.name == "fp16" else compute()).float()
        except Float16OverflowError as error:
            raise UserError(
                f"dtype 'fp16': {self.name} overflows behind {error}: what follows would be zeros or infinities; "
                "give --dtype bf16 or fp32"
            ) from None
        except NotImplementedError as error:
            remedy = "--device cpu" if self.precision.name == "fp32" else "--dtype fp32"
            raise UserError(
                f"dtype '{self.precision.name}': {self.name} cannot run in it on {self.device.type}; "
                f"give {remedy} ({brief(error)})"
            ) from None

    def flops(self, height: int, width: int, whole: bool) -> int:
        """Floating-point operations for one view: twice its multiply-adds."""
        from torch.utils.flop_counter import FlopCounterMode  # imports a compiler

        net = self._meta_dense if whole else self._meta_crop
        with FlopCounterMode(display=False) as counter:
            net(torch.empty(1, self.pixels.channels, height, width, device="meta"))
        return counter.get_total_flops()

    @cached_property
    def _meta_dense(self) -> nn.Module:
        return on_meta(self.converted)

    @cached_property
    def _meta_crop(self) -> nn.Module:
        return zoo.build(self.name, self.count, self.weights.width, self.side)


def open_model(spec: NetSpec, device: torch.device, precision: Precision, map_rule: str) -> Model:
    """Read a net's weights and put both together. Raises UserError."""
    weights = read_weights(spec.weights, spec.name, spec.key)
    return make_model(
        spec.name, weights, spec.pixels, spec.S, device, precision, map_rule, spec.side, spec.drop, spec.whole
    )


def make_model(
    name: str,
    weights: Weights,
    pixels: Pixels | None,
    S: TrainingScale | None,
    device: torch.device,
    precision: Precision,
    map_rule: str,
    side: int | None = None,
    drop: int | None = None,
    whole: bool = False,
) -> Model:
    """Put a net and its weights together; `pixels`, `S` and `side` hold where the weights say nothing.

    Raises UserError.
    """
    if weights.model and zoo.canonical(weights.model) != name:
        raise UserError(f"weights '{weights.source}' are for {weights.model}, not {name}; give --model {weights.model}")
    count = zoo.class_count(name, weights.state) or 1000  # loading says what is missing
    if weights.classes and len(weights.classes) != count:
        raise UserError(
            f"weights '{weights.source}' name {len(weights.classes)} classes and tell {count} apart; mend their header"
        )
    own = {
        "pixels": agreed("pixels", weights.source, weights.pixels, pixels),
        "S": agreed("S", weights.source, weights.S, S),
        "side": agreed("side", weights.source, said_side(name, weights), side),
    }
    crop = own["side"] or zoo.side_of(name)
    if crop != zoo.side_of(name):
        zoo.check_side(name, weights.width, crop)
    state = weights.state
    if drop is not None:
        if drop >= count:
            raise UserError(f"--drop-class {drop}: '{weights.source}' has {count} classes, 0 to {count - 1}")
        state, count = zoo.without_class(name, state, drop), count - 1
    assumed = {what for what, value in own.items() if value is None}
    if len(zoo.sides_of(name)) == 1:
        assumed -= {"side"}  # all published weights have it
    return Model(
        name=name,
        weights=weights,
        net=zoo.load(name, state, count, weights.width, weights.source, crop),
        count=count,
        pixels=fitting(name, own["pixels"]),
        S=own["S"] or assumed_S(crop),
        device=device,
        precision=precision,
        map_rule=map_rule,
        assumed=frozenset(assumed),
        crop=crop,
        drop=drop,
        whole=whole,
    )


def said_side(name: str, weights: Weights) -> int | None:
    """The side of the crops, in pixels, that weights state or tell; None where they do not."""
    return weights.side or zoo.told_side(name, weights.state)


def agreed(what: str, source: str, said, given):
    """What weights say of themselves, else what `--pixels` or `--S` gives. Raises UserError where the two differ."""
    if said is not None and given is not None and said != given:
        raise UserError(f"--{what} {given}: the weights '{source}' say {said} themselves; leave --{what} out")
    return said or given


def fitting(name: str, pixels: Pixels | None) -> Pixels:
    """The pixels, or those that are assumed of such a net. Raises UserError where their channels are not the net's."""
    channels, usual = zoo.channels_of(name), zoo.usual_pixels(name)
    if (pixels or usual).channels != channels:
        raise UserError(f"pixels '{pixels}': {name} takes images of {channels} channel(s); give pixels such as {usual}")
    return pixels or usual
