"""The loops that people write today, as `peers.py` runs them: PIL, torchvision, timm and ttach, and nothing of ours but
where the crops of the paper's grid lie. What computes their nets is in `peer_runtimes.py`.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import timm
import torch
import ttach
from peer_runtimes import RUNTIMES
from PIL import Image
from safetensors.torch import load_file
from torchvision import models
from torchvision.transforms import functional as F

from protocols.protocol import Part, Protocol
from protocols.view import Size, rescaled

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIDE = 224

Loop = Callable[[Path, int], torch.Tensor]  # an image at a Q -> posteriors of its views, (N, K), or of all, (1, K)
_loop: list[Loop] = []


class Ran(NamedTuple):
    """What a loop gave for some images, (N, classes), and what it took: by the clock, and of all cores together."""

    posteriors: torch.Tensor
    seconds: float
    cpu_seconds: float


def prepare(weights: Path, threads: int, method: str, peer: str) -> None:
    """Make a loop's net, in a process of its own: settings of ours or of another peer's must not change its speed."""
    torch.set_num_threads(threads)
    state = load_file(weights)
    net = timms_net(state) if method == "dense" else torchvisions_net(state)
    _loop[:] = [made(method, peer, net)]


def made(method: str, peer: str, net: torch.nn.Module) -> Loop:
    """The loop of a peer for `multicrop`, `dense` or `tencrop`, with a net that gives (N, K) scores."""
    if peer == "ttach":
        ten = ttach.ClassificationTTAWrapper(_Softmax(net), ttach.aliases.ten_crop_transform(SIDE, SIDE), "mean")
        return lambda path, Q: ten(opened(path, Q)[None])
    run, views = RUNTIMES[peer](net), VIEWS[method]
    return lambda path, Q: run(views(opened(path, Q), Q)).softmax(1)


@torch.inference_mode()
def ran(paths: Sequence[Path], protocol: Protocol) -> Ran:
    """The prepared loop over images, one by one, each at a protocol's Q, one by one."""
    start, cpu_start = time.perf_counter(), time.process_time()
    (loop,) = _loop
    posteriors = torch.stack([torch.cat([loop(path, Q) for Q in protocol.Q]).mean(0) for path in paths])
    return Ran(posteriors, time.perf_counter() - start, time.process_time() - cpu_start)


def opened(path: Path, Q: int) -> torch.Tensor:
    """An image at Q, normalised: PIL's own resizing."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    size = rescaled(Size(*image.size), Q)
    return F.normalize(F.to_tensor(image.resize(size, Image.Resampling.BILINEAR)), MEAN, STD)


def _grid(image: torch.Tensor, Q: int) -> torch.Tensor:
    """All 50 crops of the paper's grid."""
    crops = []
    for view, count in Part("multicrop", Q).views(Size(image.shape[2], image.shape[1]), SIDE).items():
        assert view.box is not None
        crop = F.crop(image, view.box.top, view.box.left, SIDE, SIDE)
        crops += [F.hflip(crop) if view.flip else crop] * count
    return torch.stack(crops)


# What goes through the net at once, by method, of an image at Q.
VIEWS: dict[str, Callable[[torch.Tensor, int], torch.Tensor]] = {
    "multicrop": _grid,
    "dense": lambda image, Q: torch.stack([image, F.hflip(image)]),
    "tencrop": lambda image, Q: torch.stack(F.ten_crop(image, SIDE)),
}
# The same in words, and who computes it.
LOOPS = {
    "multicrop": "plain loop: PIL, torchvision's net, batches of 50",
    "dense": "timm's VGG on whole images",
    "tencrop": "torchvision's TenCrop",
}
PEERS = {method: [*RUNTIMES, *["ttach"] * (method == "tencrop")] for method in LOOPS}


class _Softmax(torch.nn.Module):
    """Posteriors of a net's scores: ttach averages what the net gives."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images).softmax(1)


def torchvisions_net(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    net = models.vgg16(num_classes=len(state["classifier.6.bias"]))
    net.load_state_dict(state)
    return net.eval()


def timms_net(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """timm keeps the first two fully-connected layers as convolutions, and averages before the last one."""
    net = timm.create_model("vgg16", num_classes=len(state["classifier.6.bias"]))
    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}
    own = net.state_dict()
    for name, value in state.items():
        layer, _, kind = name.rpartition(".")
        mine = f"{names.get(layer, layer)}.{kind}"
        own[mine] = value.reshape(own[mine].shape)
    net.load_state_dict(own)
    return net.eval()
