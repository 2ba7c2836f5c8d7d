"""The loops that people write today, as `peers.py` runs them: PIL, torchvision, timm and ttach, and nothing of ours but
where the crops of the paper's grid lie.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import timm
import torch
import ttach
from PIL import Image
from safetensors.torch import load_file
from torchvision import models
from torchvision.transforms import functional as F

from protocols.protocol import Part
from protocols.view import Size, rescaled

CLASSES = 1000
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Q = (256, 384, 512)
SIDE = 224
# What each protocol is compared with, by name.
LOOPS: dict[str, tuple[str, ...]] = {
    "multicrop": ("plain loop: PIL, torchvision's net, batches of 50",),
    "dense": ("timm's VGG on whole images",),
    "tencrop": ("torchvision's TenCrop", "ttach"),
}
_loops: dict[str, Callable[[Path], torch.Tensor]] = {}


def prepare(weights: Path, threads: int) -> None:
    """Make the nets, in a process of their own: settings of ours must not change their speed."""
    torch.set_num_threads(threads)
    state = load_file(weights)
    plain, whole = _torchvision_net(state), _timm_net(state)
    ten = ttach.ClassificationTTAWrapper(_Softmax(plain), ttach.aliases.ten_crop_transform(SIDE, SIDE), "mean")
    (multicrop,), (dense,), (torchvisions, ttachs) = LOOPS.values()
    _loops.update(
        {
            multicrop: lambda path: torch.cat(list(_crop_posteriors(plain, path))).mean(0),
            dense: lambda path: _whole_image(whole, path),
            torchvisions: lambda path: plain(torch.stack(F.ten_crop(opened(path, 256), SIDE))).softmax(1).mean(0),
            ttachs: lambda path: ten(opened(path, 256)[None])[0],
        }
    )


@torch.inference_mode()
def posteriors(loop: str, paths: Sequence[Path]) -> torch.Tensor:
    """What a loop gives for some images, one by one: (N, classes)."""
    return torch.stack([_loops[loop](path) for path in paths])


def opened(path: Path, Q: int) -> torch.Tensor:
    """An image at Q, normalised: PIL's own resizing."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    size = rescaled(Size(*image.size), Q)
    return F.normalize(F.to_tensor(image.resize(size, Image.Resampling.BILINEAR)), MEAN, STD)


def _crop_posteriors(net: torch.nn.Module, path: Path) -> Iterator[torch.Tensor]:
    for each in Q:
        image = opened(path, each)
        crops = []
        for view, count in Part("multicrop", each).views(Size(image.shape[2], image.shape[1]), SIDE).items():
            assert view.box is not None
            crop = F.crop(image, view.box.top, view.box.left, SIDE, SIDE)
            crops += [F.hflip(crop) if view.flip else crop] * count
        yield net(torch.stack(crops)).softmax(1)


def _whole_image(net: torch.nn.Module, path: Path) -> torch.Tensor:
    both = (torch.stack([image, F.hflip(image)]) for image in (opened(path, each) for each in Q))
    return torch.cat([net(images).softmax(1) for images in both]).mean(0)


class _Softmax(torch.nn.Module):
    """Posteriors of a net's scores: ttach averages what the net gives."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images).softmax(1)


def _torchvision_net(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    net = models.vgg16(num_classes=CLASSES)
    net.load_state_dict(state)
    return net.eval()


def _timm_net(state: dict[str, torch.Tensor]) -> torch.nn.Module:
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
