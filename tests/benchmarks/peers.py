"""The loops that people write today against this package, side by side: `python tests/benchmarks/peers.py --data SPEC`.

Same photographs, same weights, same number of threads, alternating runs in one process; the posteriors of each pair are
compared in the same run. Needs `pip install -e '.[peers]'`.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import timm
import torch
import ttach
from PIL import Image
from torchvision import models
from torchvision.transforms import functional as F

from bench.data import Images
from bench.device import Precision
from bench.evaluate import fill
from bench.initial import randomise
from bench.model import Model, make_model
from bench.pixels import NAMED
from bench.rows import Row, tasks_of
from bench.shard import Shard
from bench.sources import open_data
from bench.vgg import VGG
from bench.weights import Weights
from protocols.protocol import Part, Protocol, parse
from protocols.view import Size, rescaled
from results.posteriors import average, join

CLASSES = 1000
AGREE = 1e-4  # the largest difference between two posteriors of one image and class
PIXELS = NAMED["torchvision"]
PROTOCOLS = ("multicrop", "dense", "tencrop")


@dataclass(frozen=True)
class Duel:
    """A peer's way of computing what one of our protocols gives."""

    protocol: str
    peer: str
    posteriors: Callable[[Sequence[Path]], torch.Tensor]


def main() -> None:
    options = parser().parse_args()
    torch.set_num_threads(options.threads)
    images = open_data(options.data).limit(options.limit)
    state = random_state(images)
    weights = Weights("random", state, "vgg16")
    device, precision = torch.device("cpu"), Precision("fp32")
    precision.set_up(device)
    model = make_model("vgg16", weights, PIXELS, None, device, precision, "scores")
    rows = [compare(duel, model, images, options.rounds) for duel in duels(state) if duel.protocol in options.protocols]
    print(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="photographs, as for bench.run")
    parser.add_argument("--limit", type=int, default=4, help="images")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS, help="which to compare")
    return parser


@torch.inference_mode()
def compare(duel: Duel, model: Model, images: Images, rounds: int) -> dict[str, str]:
    """Run both in turn, after one run each to warm up; ratios are taken round by round."""
    protocol = parse(duel.protocol, model.S)
    theirs, ours = [], []
    difference = 0.0
    for _ in range(rounds + 1):
        start = time.perf_counter()
        expected = duel.posteriors(images.paths)
        between = time.perf_counter()
        found = our_posteriors(model, protocol, images)
        stop = time.perf_counter()
        theirs.append(between - start)
        ours.append(stop - between)
        difference = max(difference, float(np.abs(found - expected.numpy()).max()))
    assert difference < AGREE, f"{duel.protocol}: posteriors differ by {difference}"
    ratios = [a / b for a, b in zip(theirs[1:], ours[1:], strict=True)]
    return {
        "protocol": str(protocol),
        "peer": duel.peer,
        "peer, images/s": f"{len(images) / median(theirs[1:]):.3g}",
        "ours, images/s": f"{len(images) / median(ours[1:]):.3g}",
        "ratio [least, most]": f"{median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]",
        "largest difference": f"{difference:.1e}",
    }


def our_posteriors(model: Model, protocol: Protocol, images: Images) -> np.ndarray:
    """As `bench.run` computes them, files and all, into a store of its own."""
    with tempfile.TemporaryDirectory() as folder, Shard() as shard:
        tasks = tasks_of([Row(((model, protocol),))], images, Path(folder))
        fill(list(tasks.values()), images, shard, None, torch.get_num_threads(), fresh=True, skip=False)
        blocks = range(-(-len(images) // 32))
        parts = [join([task.store.read(k).posteriors for k in blocks]) for task in tasks.values()]
    return average(parts, protocol.weights.values()).probs


def duels(state: dict[str, torch.Tensor]) -> list[Duel]:
    plain = torchvision_net(state)
    dense = timm_net(state)
    ten = ttach.ClassificationTTAWrapper(Softmax(plain), ttach.aliases.ten_crop_transform(224, 224), merge_mode="mean")
    return [
        Duel("multicrop", "plain loop: PIL, torchvision's net, batches of 50", lambda paths: multicrop(plain, paths)),
        Duel("dense", "timm's VGG on whole images", lambda paths: whole_images(dense, paths)),
        Duel("tencrop", "torchvision's TenCrop", lambda paths: ten_crop(plain, paths)),
        Duel("tencrop", "ttach", lambda paths: torch.cat([ten(opened(path, 256)[None]) for path in paths])),
    ]


class Softmax(torch.nn.Module):
    """Posteriors of a net's scores: ttach averages what the net gives."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images).softmax(1)


def opened(path: Path, Q: int) -> torch.Tensor:
    """An image at Q, normalised: PIL's own resizing."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    size = rescaled(Size(*image.size), Q)
    return F.normalize(F.to_tensor(image.resize(size, Image.Resampling.BILINEAR)), PIXELS.mean, PIXELS.std)


@torch.inference_mode()
def multicrop(net: torch.nn.Module, paths: Sequence[Path]) -> torch.Tensor:
    return torch.stack([torch.cat(list(_crop_posteriors(net, path))).mean(0) for path in paths])


def _crop_posteriors(net: torch.nn.Module, path: Path) -> Iterator[torch.Tensor]:
    for Q in (256, 384, 512):
        image = opened(path, Q)
        crops = []
        for view, count in Part("multicrop", Q).views(Size(image.shape[2], image.shape[1]), 224).items():
            crop = F.crop(image, view.box.top, view.box.left, 224, 224)
            crops += [F.hflip(crop) if view.flip else crop] * count
        yield net(torch.stack(crops)).softmax(1)


@torch.inference_mode()
def whole_images(net: torch.nn.Module, paths: Sequence[Path]) -> torch.Tensor:
    images = ([opened(path, Q) for Q in (256, 384, 512)] for path in paths)
    both = ([net(torch.stack([image, F.hflip(image)])).softmax(1) for image in each] for each in images)
    return torch.stack([torch.cat(each).mean(0) for each in both])


@torch.inference_mode()
def ten_crop(net: torch.nn.Module, paths: Sequence[Path]) -> torch.Tensor:
    return torch.stack([net(torch.stack(F.ten_crop(opened(path, 256), 224))).softmax(1).mean(0) for path in paths])


def random_state(images: Images) -> dict[str, torch.Tensor]:
    """Random weights whose posteriors differ from class to class: a random net's are nearly uniform."""
    torch.manual_seed(0)
    net = VGG("D", CLASSES)
    randomise(net)
    crops = torch.stack([F.center_crop(opened(path, 256), 224) for path in images.paths[:4]])
    with torch.inference_mode():
        net.eval().classifier[-1].weight /= net(crops).std() / 2
    return net.state_dict()


def torchvision_net(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    net = models.vgg16(num_classes=CLASSES)
    net.load_state_dict(state)
    return net.eval()


def timm_net(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """timm keeps the first two fully-connected layers as convolutions."""
    net = timm.create_model("vgg16", num_classes=CLASSES)
    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}
    own = net.state_dict()
    for name, value in state.items():
        layer, _, kind = name.rpartition(".")
        mine = f"{names.get(layer, layer)}.{kind}"
        own[mine] = value.reshape(own[mine].shape)
    net.load_state_dict(own)
    return net.eval()


if __name__ == "__main__":
    main()
