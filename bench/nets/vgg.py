"""The paper's nets, configurations A to E, as one table of layers (section 2.1, Table 1)."""

from itertools import pairwise

from torch import nn

# Five blocks each, a max-pooling after every block; a layer is its kernel size, or "lrn".
BLOCKS: dict[str, tuple[tuple[int | str, ...], ...]] = {
    "A": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "A-LRN": ((3, "lrn"), (3,), (3, 3), (3, 3), (3, 3)),
    "B": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "C": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "D": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "E": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
CHANNELS = (64, 128, 256, 512, 512)
HIDDEN = 4096
SIDE = 224  # pixels; five poolings leave a 7x7 map

NAMES = {"vgg11": "A", "vgg11-lrn": "A-LRN", "vgg13": "B", "vgg16c": "C", "vgg16": "D", "vgg19": "E"}


class VGG(nn.Module):
    """One configuration, fully-connected: takes (N, 3, 224, 224), gives scores (N, classes).

    Layers and their names are torchvision's, so its files load; there is no adaptive pooling, so another input size
    is an error and never a quietly different net. `width` multiplies every channel count, the hidden layers' too.
    """

    def __init__(self, configuration: str, classes: int = 1000, width: float = 1, batch_norm: bool = False) -> None:
        super().__init__()
        channels = [scaled(c, width) for c in CHANNELS]
        self.features = nn.Sequential(*_convolutions(configuration, channels, batch_norm))
        self.classifier = fully_connected(channels[-1] * 7 * 7, scaled(HIDDEN, width), classes)

    def forward(self, images):
        return self.classifier(self.features(images).flatten(1))


def fully_connected(inputs: int, hidden: int, classes: int) -> nn.Sequential:
    """The three fully-connected layers that the paper took over from Krizhevsky et al., 2012."""
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(hidden, hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(hidden, classes),
    )


def scaled(channels: int, width: float) -> int:
    """A channel count under the width multiplier, at least 1."""
    return max(1, round(channels * width))


def _convolutions(configuration: str, channels: list[int], batch_norm: bool) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for block, (before, after) in zip(BLOCKS[configuration], pairwise([3, *channels]), strict=True):
        for layer in block:
            if layer == "lrn":
                # the parameters of Krizhevsky et al., 2012, which section 2.1 takes over
                layers.append(nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2))
                continue
            kernel = int(layer)
            layers.append(nn.Conv2d(before, after, kernel, padding=kernel // 2))
            if batch_norm:
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.ReLU(inplace=True))
            before = after
        layers.append(nn.MaxPool2d(2))
    return layers
