"""Nets that only Python knows: any module that maps (N, C, side, side) to (N, K) scores, given back as it was."""

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from uuid import uuid4

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from bench.errors import UserError
from bench.images.pixels import NAMED, Pixels
from bench.nets.device import Precision
from bench.nets.identity import net_digest
from bench.nets.layers import copy_with, held_forwards, scripted, state_of, tensors_of
from bench.nets.model import Model
from bench.nets.out_of_memory import brief
from bench.nets.outputs import First, Log, plain_scores
from bench.nets.torch_settings import products_in
from bench.nets.weights import Weights, stated_or_given
from bench.progress import warn
from protocols.scales import SIDE, TrainingScale, assumed_S

ALIKE = 1e-3  # of the scores' spread: how far an image's scores may be from those beside another image


@dataclass(frozen=True, eq=False)
class GivenNet:
    """A module, and what nobody but the caller can say of it; None where the caller does not.

    `classes` are the names of its K classes in the order of its scores, `side` that of its crops in pixels;
    `identity` says what it computes, where its graph cannot be traced. `weights` are those that it was given, and what
    they say of themselves holds; `usual` and `usual_side` are the pixels and the
    side that are assumed where nobody says them; `code` is the place
    of a person's own code that made it.
    """

    name: str
    net: nn.Module
    classes: tuple[str, ...] | None = None
    pixels: Pixels | None = None
    S: TrainingScale | None = None
    side: int | None = None
    identity: str | None = None
    weights: Weights | None = None
    usual: Pixels | None = None
    usual_side: int = SIDE
    code: str | None = None

    def __post_init__(self) -> None:
        if self.side is not None and (not isinstance(self.side, int) or self.side < 1):
            raise UserError(f"side {self.side!r}: give a whole number of pixels above 0")

    @property
    def device(self) -> torch.device | None:
        """Where its tensors are, if that is not the CPU."""
        return next((each.device for each in tensors_of(self.net) if each.device.type != "cpu"), None)


def open_given(given: GivenNet, device: torch.device, precision: Precision, map_rule: str) -> Model:
    """A model of a module's copy, which shares its parameters where they are float32 on the CPU. Raises UserError."""
    net = _copy(given)
    if precision.name != "fp32" and scripted(net):
        raise UserError(
            f"dtype '{precision.name}': torch.jit made net '{given.name}', whose format cannot be changed; give fp32, "
            "or the net that it was made of"
        )
    said = given.weights or Weights(source=_class_of(given.net), state={})
    pixels = stated_or_given("pixels", said.source, said.pixels, given.pixels)
    S = stated_or_given("S", said.source, said.S, given.S)
    side = stated_or_given("side", said.source, said.side, given.side)
    classes = stated_or_given("classes", said.source, said.classes, given.classes)
    crop = side or given.usual_side
    channels = pixels.channels if pixels else _channels(net)
    images = torch.rand(3, channels, crop, crop, generator=torch.Generator().manual_seed(0))
    net = _with_plain_scores(given, net, images)
    if any(isinstance(each, First) for each in net.modules()):
        warn(f"net '{given.name}': it gives several results; the first is taken for its scores")
    if isinstance(net, Log):
        warn(f"net '{given.name}': it gives posteriors, which add up to 1; their logarithms are taken for scores")
    count = _classes(given, net, images)
    if classes and len(classes) != count:
        raise UserError(f"net '{given.name}': classes names {len(classes)}, and it tells {count} apart; give {count}")
    digest = net_digest(net, given.identity, images)
    if digest is None:
        warn(
            f"net '{given.name}': torch cannot trace what it computes, so that nothing of it is kept in the store; "
            "identity='...' says what it computes, and keeps it"
        )
    own = {"pixels": pixels, "S": S, "side": side}
    return Model(
        name=given.name,
        weights=replace(said, state={}, classes=classes, identity=digest or f"{uuid4().hex}untold"),
        net=net,
        count=count,
        pixels=pixels or given.usual or NAMED["mnist" if channels == 1 else "torchvision"],
        S=S or assumed_S(crop),
        device=device,
        precision=precision,
        map_rule=map_rule,
        side=crop,
        usual_side=given.usual_side,
        assumed=frozenset(what for what, value in own.items() if value is None),
        kept=digest is not None,
        code=given.code,
        opened=state_of(net),
    )


def _class_of(net: nn.Module) -> str:
    kind = type(innermost(net))
    return f"{kind.__module__}.{kind.__qualname__}"


@torch.no_grad()  # else layers of torch.jit's are copied with their history
def _copy(given: GivenNet) -> nn.Module:
    """Layers of its own in evaluation mode, float32 on the CPU; wrappers that only say how it is run go."""
    net = innermost(given.net)
    if any(isinstance(each, UninitializedParameter | UninitializedBuffer) for each in tensors_of(net)):
        raise UserError(f"net '{given.name}': its lazy layers have no parameters yet; run it once, then evaluate it")
    if any(each.is_meta for each in tensors_of(net)):
        raise UserError(f"net '{given.name}': its tensors are on torch's meta device and have no values; load them")
    for name, layer in net.named_modules():
        if isinstance(layer, _BatchNorm) and layer.running_mean is None:
            raise UserError(
                f"net '{given.name}': its {name} has no running statistics, so that an image's scores depend on the "
                "images beside it; give a net with track_running_stats"
            )
    if held := held_forwards(net):
        raise UserError(
            f"net '{given.name}': the forward of {held[0] or 'the net'} was replaced by a function that holds on to a "
            "module, so that a copy would compute with that; write it as a method of a class"
        )
    try:
        copied = copy_with(net, _plain).eval()
        return copied.float().cpu() if scripted(net) else copied
    except Exception as error:  # copying runs the net's own Python, which may raise anything
        raise UserError(
            f"net '{given.name}': it cannot be copied ({brief(error)}); give one that copy.deepcopy takes"
        ) from None


def innermost(net: nn.Module) -> nn.Module:
    """The module within those that only say how it is run: on several devices, or compiled."""
    while True:
        if isinstance(net, nn.DataParallel | nn.parallel.DistributedDataParallel):
            net = net.module
        elif isinstance(compiled := getattr(net, "_orig_mod", None), nn.Module):  # of torch.compile
            net = compiled
        else:
            return net


@torch.no_grad()
def _plain(tensor: torch.Tensor) -> torch.Tensor:
    value = tensor.detach().to("cpu", torch.float32 if tensor.is_floating_point() else tensor.dtype)
    return value if isinstance(tensor, nn.Parameter) else value.clone()  # a net may count in its buffers


def _channels(net: nn.Module) -> int:
    """1 where the first convolution takes one channel, else 3."""
    first = next((layer for layer in net.modules() if isinstance(layer, nn.Conv2d)), None)
    return 1 if first is not None and first.in_channels == 1 else 3


@torch.inference_mode()
def _with_plain_scores(given: GivenNet, net: nn.Module, images: torch.Tensor) -> nn.Module:
    """The net, or one around it that gives the scores which it gives in a tuple or under a name. Raises UserError."""
    try:
        with products_in(tf32=False), torch.random.fork_rng(devices=[]), redirect_stdout(sys.stderr):
            return plain_scores(net, images)
    except Exception as error:  # from within a net it may be anything
        raise UserError(
            f"net '{given.name}': it does not take images {tuple(images.shape)} ({brief(error)}); give another side, "
            "or other pixels"
        ) from None


@torch.inference_mode()
def _classes(given: GivenNet, net: nn.Module, images: torch.Tensor) -> int:
    """How many classes it tells apart. Raises UserError where it does not give each image scores of its own."""
    channels, side = images.shape[1:3]
    shape = f"({len(images)}, {channels}, {side}, {side})"
    try:
        with products_in(tf32=False), torch.random.fork_rng(devices=[]):
            scores, alone = net(images), net(images[:1])
    except Exception as error:  # from within a net it may be anything
        raise UserError(
            f"net '{given.name}': it does not take images {shape} ({brief(error)}); give another side, or other pixels"
        ) from None
    if not isinstance(scores, torch.Tensor):
        raise UserError(
            f"net '{given.name}': it gives a {type(scores).__name__}, not scores (N, K); wrap it in a module that "
            "returns the scores alone"
        )
    if scores.ndim != 2 or len(scores) != len(images) or not scores.is_floating_point():
        raise UserError(
            f"net '{given.name}': of images {shape} it makes {tuple(scores.shape)}; it must give scores (N, K)"
        )
    if alone.shape != scores[:1].shape:
        raise UserError(
            f"net '{given.name}': of one image it makes {tuple(alone.shape)}; it must give scores (1, "
            f"{scores.shape[1]}), as of several"
        )
    spread = float((scores - scores.mean(1, keepdim=True)).abs().max())
    if scores.isfinite().all() and float((scores[:1] - alone).abs().max()) > ALIKE * spread:
        raise UserError(
            f"net '{given.name}': the same image has other scores alone than beside others, or every time: it draws at "
            "random, or mixes a batch; evaluation needs scores that depend on the image alone"
        )
    return scores.shape[1]
