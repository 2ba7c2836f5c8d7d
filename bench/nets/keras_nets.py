"""Two nets as keras.applications has them, which torchvision builds otherwise: their weights are not each other's.

Its ResNet50 goes down in the first 1x1 convolution of a block, not in the 3x3, its convolutions have biases, and its
batch normalisations another epsilon; its MobileNetV2 pads only below and to the right where it goes down.
"""

import torch.nn.functional as F
from torch import nn

from bench.nets.vgg import scaled

RESNET_EPSILON = 1.001e-5
MOBILENET_EPSILON = 1e-3
EXPANSION = 4  # of a bottleneck's channels in its last convolution
STACKS = ((64, 3), (128, 4), (256, 6), (512, 3))  # ResNet50's: channels of the bottleneck, blocks
# MobileNetV2's: channels that a block gives, how much wider it is inside, blocks, stride of the first (Table 2)
STAGES = ((16, 1, 1, 1), (24, 6, 2, 2), (32, 6, 3, 2), (64, 6, 4, 2), (96, 6, 3, 1), (160, 6, 3, 2), (320, 6, 1, 1))


class KerasResNet50(nn.Module):
    """ResNet50 of keras.applications: takes (N, 3, 224, 224), gives scores (N, classes).

    `width` multiplies every channel count.
    """

    def __init__(self, classes: int = 1000, width: float = 1) -> None:
        super().__init__()
        before = scaled(64, width)
        self.conv1 = nn.Conv2d(3, before, 7, 2, padding=3)
        self.bn1 = nn.BatchNorm2d(before, RESNET_EPSILON)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)  # what comes is not negative: as padded with zeros
        stacks: list[nn.Module] = []
        for channels, blocks in STACKS:
            inner, after = scaled(channels, width), scaled(EXPANSION * channels, width)
            first = Bottleneck(before, inner, after, stride=2 if stacks else 1, shortcut=True)
            others = [Bottleneck(after, inner, after) for _ in range(blocks - 1)]
            stacks.append(nn.Sequential(first, *others))
            before = after
        self.stacks = nn.Sequential(*stacks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(before, classes)

    def forward(self, images):
        features = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.fc(self.avgpool(self.stacks(features)).flatten(1))


class Bottleneck(nn.Module):
    """Convolutions of 1x1, 3x3 and 1x1 beside a shortcut; the first and the shortcut's have the stride."""

    def __init__(self, before: int, inner: int, after: int, stride: int = 1, shortcut: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, inner, 1, stride)
        self.bn1 = nn.BatchNorm2d(inner, RESNET_EPSILON)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(inner, RESNET_EPSILON)
        self.conv3 = nn.Conv2d(inner, after, 1)
        self.bn3 = nn.BatchNorm2d(after, RESNET_EPSILON)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if shortcut:
            convolution = nn.Conv2d(before, after, 1, stride)
            self.downsample = nn.Sequential(convolution, nn.BatchNorm2d(after, RESNET_EPSILON))

    def forward(self, features):
        found = self.relu(self.bn1(self.conv1(features)))
        found = self.relu(self.bn2(self.conv2(found)))
        found = self.bn3(self.conv3(found))
        return self.relu(found + (features if self.downsample is None else self.downsample(features)))


class KerasMobileNetV2(nn.Module):
    """MobileNetV2 of keras.applications, alpha 1.0: takes (N, 3, 224, 224), gives scores (N, classes).

    Layers are not called as torchvision's, whose weights would fit and be of another net. `width` multiplies every
    channel count, also that of the last convolution, which Keras's alpha leaves.
    """

    def __init__(self, classes: int = 1000, width: float = 1) -> None:
        super().__init__()
        before, last = scaled(32, width), scaled(1280, width)
        self.stem = Convolution(3, before, 3, stride=2)
        blocks = []
        for channels, expansion, count, stride in STAGES:
            for k in range(count):
                after = scaled(channels, width)
                blocks.append(InvertedResidual(before, after, expansion, 1 if k else stride))
                before = after
        self.blocks = nn.Sequential(*blocks)
        self.last = Convolution(before, last, 1)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(last, classes)

    def forward(self, images):
        return self.classifier(self.avgpool(self.last(self.blocks(self.stem(images)))).flatten(1))


class InvertedResidual(nn.Module):
    """Expanded by a 1x1 convolution, a 3x3 one on every channel, projected by a 1x1 one; with a shortcut if it fits."""

    def __init__(self, before: int, after: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = before * expansion
        self.expand = Convolution(before, inner, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(inner, inner, 3, stride, groups=inner)
        self.project = Convolution(inner, after, 1, linear=True)
        self.shortcut = stride == 1 and before == after

    def forward(self, features):
        found = self.project(self.depthwise(self.expand(features)))
        return features + found if self.shortcut else found


class Convolution(nn.Module):
    """A convolution, its batch normalisation, and a ReLU up to 6 unless it is `linear`.

    With stride 2 it is padded by one pixel below and to the right, as Keras pads maps of even sides.
    """

    def __init__(
        self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        self.below = stride == 2
        padding = 0 if self.below else kernel // 2
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(after, MOBILENET_EPSILON)
        self.relu = nn.Identity() if linear else nn.ReLU6(inplace=True)

    def forward(self, features):
        padded = F.pad(features, (0, 1, 0, 1)) if self.below else features
        return self.relu(self.norm(self.conv(padded)))
