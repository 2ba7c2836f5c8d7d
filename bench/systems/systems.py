"""The nets that `bench.systems` trains and compares, and what their sources say of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SETS = {
    "flowers": "VGG-19, NiN, MobileNetV2 and ResNet50 from scratch, SqueezeNet with a new head",
    "objects": "AlexNet against ZFNet, such as voc2007:DIR (the flowers)",
    "catsdogs": "a small net from scratch against frozen features, kept on disk and not",
    "digits": "the net for digits, such as mnist:DIR",
}


@dataclass(frozen=True)
class System:
    """A net and how it is trained: `data` names an option of `bench.systems`.

    `recipe` holds fields of a request for training, and "limit", the images that it learns from. `frozen` ones start
    from the weights of --features and learn a new head.
    """

    name: str
    data: str
    model: str
    recipe: Mapping[str, Any]
    frozen: bool = False


@dataclass(frozen=True)
class SystemClaim:
    """That the first of two systems makes fewer errors than the second, and what the source measured of it."""

    text: str
    first: str
    second: str
    source: str = ""


FROM_SCRATCH = {"schedule": "step"}
ADAPTED = {"freeze": True, "augment": "none", "optimiser": "adam", "schedule": "cosine", "epochs": (10,)}
# AlexNet's and ZFNet's source has 15 epochs at each of three rates and 5 at the last, 50 in all, and Adam at 0.001
FORERUNNERS = {"optimiser": "adam", "rate": 0.001, "schedule": "step", "epochs": (2, 1, 1), "dropout": "own"}
SYSTEMS = (
    System("vgg19", "flowers", "E", {"width": 0.125, "epochs": (6, 2), "rate": 0.02, **FROM_SCRATCH}),
    System("nin", "flowers", "nin", {"width": 0.5, "epochs": (6, 2), "rate": 0.02, **FROM_SCRATCH}),
    System("mobilenet_v2", "flowers", "mobilenet_v2", {"epochs": (2, 1), **FROM_SCRATCH}),
    System("resnet50", "flowers", "resnet50", {"epochs": (1,), "limit": 1000, **FROM_SCRATCH}),
    System("squeezenet-head", "flowers", "squeezenet1_0", {**ADAPTED, "cache_features": True}, frozen=True),
    System("alexnet", "objects", "alexnet", FORERUNNERS),
    System("zfnet", "objects", "zfnet", {"width": 1, **FORERUNNERS}),
    System("simplecnn", "catsdogs", "simplecnn", {"width": 1, "optimiser": "adam", "epochs": (15, 5), **FROM_SCRATCH}),
    System("frozen", "catsdogs", "squeezenet1_0", ADAPTED, frozen=True),
    System("frozen-cached", "catsdogs", "squeezenet1_0", {**ADAPTED, "cache_features": True}, frozen=True),
    System(
        "digitnet",
        "digits",
        "digitnet",
        {"width": 1, "augment": "none", "epochs": (2, 1), "dropout": "own", **FROM_SCRATCH},
    ),
)
SYSTEM_CLAIMS = (
    SystemClaim("the paper's net beats one without fully-connected layers", "vgg19", "nin"),
    SystemClaim("features of other photographs beat training from scratch", "squeezenet-head", "vgg19"),
    SystemClaim(
        "smaller first filters win",
        "zfnet",
        "alexnet",
        "57.6 % against 51.9 % validation accuracy on the object crops of VOC2007, 50 epochs",
    ),
    SystemClaim("features of other photographs beat training from scratch", "frozen-cached", "simplecnn"),
)
CACHED, PLAIN = "frozen-cached", "frozen"  # one training with features kept and without: the same net, sooner
