"""Nets beside the paper's: its two forerunners, one without fully-connected layers, and two small ones."""

import torch
import torch.nn.functional as F
from torch import nn

from bench.nets.vgg import HIDDEN, fully_connected, scaled

CAFFE_SIDE = 227  # pixels, of Caffe's reference net
DIGIT_SIDE = 28  # pixels, MNIST's
SIMPLE_SIDE = 56  # pixels; three poolings leave the 7x7 map that five leave of the paper's 224


class ZFNet(nn.Module):
    """AlexNet in one tower with smaller kernels and strides at the front (Zeiler and Fergus, 2013, Figure 3).

    Takes (N, 3, 224, 224), gives scores (N, classes). Maps are 110, 55, 26, 13 and 6 pixels wide as there, for which
    poolings round up; its contrast normalisation is left out, as by section 2.1 of the VGG paper.
    """

    def __init__(self, classes: int = 1000, width: float = 1) -> None:
        super().__init__()
        first, second, third, fourth, fifth = (scaled(count, width) for count in (96, 256, 384, 384, 256))
        self.features = nn.Sequential(
            *_convolution(3, first, 7, stride=2, padding=1),
            _pooling(),
            *_convolution(first, second, 5, stride=2),
            _pooling(),
            *_convolution(second, third, 3, padding=1),
            *_convolution(third, fourth, 3, padding=1),
            *_convolution(fourth, fifth, 3, padding=1),
            _pooling(),
        )
        self.classifier = fully_connected(fifth * 6 * 6, scaled(HIDDEN, width), classes)

    def forward(self, images):
        return self.classifier(self.features(images).flatten(1))


class CaffeNet(nn.Module):
    """Caffe's reference net: that of Krizhevsky et al., 2012, in its two halves, but pooled before it is normalised.

    Takes (N, 3, 227, 227), gives scores (N, classes). Groups, normalisation and poolings that round up are Caffe's, so
    its files load.
    """

    def __init__(self, classes: int = 1000, width: float = 1) -> None:
        super().__init__()
        first, second, third, fourth, fifth = (2 * scaled(count, width) for count in (48, 128, 192, 192, 128))
        self.features = nn.Sequential(
            *_convolution(3, first, 11, stride=4),
            _pooling(),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1),
            *_convolution(first, second, 5, padding=2, groups=2),
            _pooling(),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1),
            *_convolution(second, third, 3, padding=1),
            *_convolution(third, fourth, 3, padding=1, groups=2),
            *_convolution(fourth, fifth, 3, padding=1, groups=2),
            _pooling(),
        )
        self.classifier = fully_connected(fifth * 6 * 6, scaled(HIDDEN, width), classes)

    def forward(self, images):
        return self.classifier(self.features(images).flatten(1))


class NiN(nn.Module):
    """Network in network: two 1x1 convolutions after each other one, and no fully-connected layer (Lin et al., 2013).

    Takes (N, 3, 224, 224), gives scores (N, classes): the mean of a map of class scores. Kernels and channels are
    those of the authors' ImageNet net.
    """

    def __init__(self, classes: int = 1000, width: float = 1) -> None:
        super().__init__()
        first, second, third, fourth = (scaled(count, width) for count in (96, 256, 384, 1024))
        self.features = nn.Sequential(
            *_mlp_convolution(3, (first, first, first), 11, stride=4),
            _pooling(),
            *_mlp_convolution(first, (second, second, second), 5, padding=2),
            _pooling(),
            *_mlp_convolution(second, (third, third, third), 3, padding=1),
            _pooling(),
            nn.Dropout(0.5),
            *_mlp_convolution(third, (fourth, fourth, classes), 3, padding=1),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, images):
        return self.pool(self.features(images)).flatten(1)


class DigitNet(nn.Module):
    """Two convolutions for grey digits: takes (N, 1, 28, 28), gives logarithms of posteriors (N, classes).

    Layers and their names are those of PyTorch's own MNIST example, so what that trains loads.
    """

    def __init__(self, classes: int = 10, width: float = 1) -> None:
        super().__init__()
        first, second, hidden = (scaled(count, width) for count in (32, 64, 128))
        self.conv1 = nn.Conv2d(1, first, 3)
        self.conv2 = nn.Conv2d(first, second, 3)
        self.pool = nn.MaxPool2d(2)
        self.dropout1 = nn.Dropout(0.25)
        self.fc1 = nn.Linear(second * 12 * 12, hidden)
        self.dropout2 = nn.Dropout(0.5)
        self.fc2 = nn.Linear(hidden, classes)

    def forward(self, images):
        features = self.pool(F.relu(self.conv2(F.relu(self.conv1(images)))))
        hidden = F.relu(self.fc1(self.dropout1(features).flatten(1)))
        return torch.log_softmax(self.fc2(self.dropout2(hidden)), 1)


class SimpleCNN(nn.Module):
    """Three blocks of a 3x3 convolution and a pooling, then two linear layers: (N, 3, 56, 56) to scores (N, classes).

    A quarter of the paper's side brings the same 7x7 map to the first linear layer; from 224 pixels it would be 28x28,
    and that layer would hold nearly all the weights.
    """

    def __init__(self, classes: int = 1000, width: float = 1) -> None:
        super().__init__()
        first, second, third, hidden = (scaled(count, width) for count in (32, 64, 128, 256))
        self.features = nn.Sequential(
            *_convolution(3, first, 3, padding=1),
            nn.MaxPool2d(2),
            *_convolution(first, second, 3, padding=1),
            nn.MaxPool2d(2),
            *_convolution(second, third, 3, padding=1),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(third * 7 * 7, hidden), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(hidden, classes)
        )

    def forward(self, images):
        return self.classifier(self.features(images).flatten(1))


def _convolution(
    before: int, after: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1
) -> list[nn.Module]:
    return [nn.Conv2d(before, after, kernel, stride, padding, groups=groups), nn.ReLU(inplace=True)]


def _mlp_convolution(
    before: int, channels: tuple[int, int, int], kernel: int, stride: int = 1, padding: int = 0
) -> list[nn.Module]:
    """A convolution and a small net at every position of its map: what gives NiN its name."""
    first, second, third = channels
    return [
        *_convolution(before, first, kernel, stride, padding),
        *_convolution(first, second, 1),
        *_convolution(second, third, 1),
    ]


def _pooling() -> nn.MaxPool2d:
    """Overlapping windows; a last one that reaches over the edge counts, as where these nets were made."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)
