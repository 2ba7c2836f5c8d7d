"""Nets that only Python knows, and how they are evaluated in tests."""

import torch
from conftest import PIXELS
from torch import nn

ASKED = {"progress": False, "pixels": PIXELS, "S": (256, 288)}


class Small(nn.Module):
    def __init__(self, classes: int = 7) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution, self.norm = nn.Conv2d(3, 8, 7, stride=4), nn.BatchNorm2d(8)
        self.drop, self.last = nn.Dropout(), nn.Linear(8, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.drop(self.norm(self.convolution(images)).relu().mean((2, 3))))


class Squashed(Small):
    """The same tensors, another computation."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.norm(self.convolution(images)).tanh().mean((2, 3)))


class Untold(Small):
    """No tracer follows it."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images if images.mean() < 1e9 else -images)
