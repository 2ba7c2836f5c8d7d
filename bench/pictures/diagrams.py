"""Pictures of how a net errs: the confusion matrix, and a reliability diagram."""

import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.pictures.captions import caption

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 110
SIDE = (3.5, 22.0)  # inches that a confusion matrix is wide
PITCH = 0.36  # inches of a class, where there is room
SMALLEST = 6.0  # points of letters that can be read
LETTERS = 28  # of a class name


def plot_confusion(matrix: pd.DataFrame, path: Path, title: str) -> None:
    """A matrix of counts as a PNG: colours are shares of the true class, numbers stand in the cells where they fit."""
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    counts, n = matrix.to_numpy(), len(matrix)
    shares = counts / counts.sum(1, keepdims=True).clip(min=1)
    side = float(np.clip(n * PITCH, *SIDE))
    pitch = side * 72 / n  # points
    figure = Figure(figsize=(side, side))
    axes = figure.add_axes((0, 0, 1, 1))  # names lie outside: what is saved is cut to what is drawn
    norm = PowerNorm(0.5, 0, 1)  # a root, so that single mistakes are seen
    image = axes.imshow(shares, cmap="Blues", norm=norm, interpolation="nearest")
    _name_classes(axes, list(matrix.index), pitch)
    _write_counts(axes, counts, shares, pitch)
    beside = figure.add_axes((1 + 0.2 / side, 0, 0.2 / side, 1))
    bar = figure.colorbar(image, cax=beside, format=PercentFormatter(1, decimals=0))
    bar.set_label("share of the images of the true class")
    axes.set(xlabel="predicted class", ylabel="true class")
    _save(figure, axes, path, title, width=int(side * 13))


def plot_reliability(table: pd.DataFrame, error: float, path: Path, title: str) -> None:
    """A `reliability` table as a PNG: accuracy against confidence by bins, and how many images are in each."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = Figure(figsize=(5, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    middle, width = (table["low"] + table["high"]) / 2, table["high"] - table["low"]
    upper.bar(middle, table["accuracy"], width, edgecolor="white", label="accuracy")
    gap = table["confidence"] - table["accuracy"]
    between = {"facecolor": "#dc143c40", "edgecolor": "crimson", "hatch": "///", "label": "gap to mean confidence"}
    upper.bar(middle, gap, width * 0.6, table["accuracy"], **between)
    upper.plot((0, 1), (0, 1), color="grey", linestyle="--", label="perfect calibration")
    upper.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)  # inside it would hide bars
    lower.bar(middle, table["images"], width, edgecolor="white", color="grey")
    lower.set(xlabel="confidence", ylabel="images")
    lower.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    for axis in (upper.xaxis, upper.yaxis):
        axis.set_major_formatter(PercentFormatter(1, 0))
    images = int(table["images"].sum())
    _save(figure, upper, path, f"{title}\nexpected calibration error {100 * error:.2f} %, {images} images", width=60)


def _name_classes(axes: "Axes", names: list[str], pitch: float) -> None:
    """Every class by name where the letters can be read, else every second, third, ..."""
    step = int(np.ceil(SMALLEST * 1.2 / pitch))
    places = range(0, len(names), step)
    short = [caption(names[k], LETTERS) for k in places]
    size = float(np.clip(0.7 * pitch * step, SMALLEST, 10))
    axes.set_xticks(places, short, rotation=90, fontsize=size, parse_math=False)
    axes.set_yticks(places, short, fontsize=size, parse_math=False)


def _write_counts(axes: "Axes", counts: np.ndarray, shares: np.ndarray, pitch: float) -> None:
    digits = len(str(counts.max()))
    size = min(10.0, 0.6 * pitch, 0.9 * pitch / (0.64 * digits))  # a digit is 0.64 of its height wide
    if size < SMALLEST:
        return
    for true, predicted in np.argwhere(counts):
        colour = "white" if shares[true, predicted] > 0.4 else "black"
        number = str(counts[true, predicted])
        axes.text(predicted, true, number, ha="center", va="center", color=colour, fontsize=size)


def _save(figure: "Figure", axes: "Axes", path: Path, title: str, width: int) -> None:
    """Write the picture under a title of lines of at most `width` letters."""
    lines = (line for part in title.split("\n") for line in textwrap.wrap(part, width))
    axes.set_title("\n".join(lines), fontsize=10, parse_math=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a box stands for a letter that the font lacks
        figure.savefig(path, dpi=DPI, bbox_inches="tight", pad_inches=0.15)
