"""Pictures: what a training did, epoch by epoch."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple


class Epoch(NamedTuple):
    """One line of the log; errors are top-1 in %, the validation's of centre crops of a part of the split."""

    epoch: int
    rate: float
    loss: float
    training_error: float
    validation_error: float
    seconds: float


def plot_training(epochs: Sequence[Epoch], path: Path, title: str) -> None:
    """Loss and accuracy by epoch, and where the rate fell, as a PNG file."""
    from matplotlib.figure import Figure  # without pyplot: no display, no state

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    numbers = [each.epoch + 1 for each in epochs]
    left.plot(numbers, [each.loss for each in epochs], marker="o")
    left.set(title="training loss", xlabel="epoch", ylim=(0, None))
    right.plot(numbers, [100 - each.training_error for each in epochs], marker="o", label="training crops")
    right.plot(numbers, [100 - each.validation_error for each in epochs], marker="o", label="validation, centre crop")
    right.set(title="top-1 accuracy, %", xlabel="epoch", ylim=(0, 100))
    right.legend()
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        for before, after in pairwise(epochs):
            if after.rate < before.rate / 5:  # a fall, and no point of a cosine
                axes.axvline(after.epoch + 0.5, color="grey", linestyle=":")
    figure.suptitle(title)
    figure.savefig(path, dpi=120)
