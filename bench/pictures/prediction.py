"""One picture per image: the image, where the net sees its best class, and the best classes as bars."""

import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.pictures.captions import caption
from bench.pictures.heat_colours import COLOURS, OPACITY

WIDE = 1.7  # width by height from which on the panels stand one below the other
LETTER = 0.095  # inches, an average letter of a title
NAME = 28  # letters of a class beside its bar


def plot_prediction(
    picture: np.ndarray,
    heat: np.ndarray | None,
    best: Sequence[tuple[str, float]],
    name: str,
    made_by: str,
    path: Path,
) -> None:
    """Write a PNG of a picture (H, W, 3) uint8, a heat map (H, W) if there is one, and classes with probabilities.

    `name` is the image's, `made_by` says which nets under which protocol.
    """
    from matplotlib.figure import Figure  # without pyplot: no display, no state

    height, width = picture.shape[:2]
    pictures = 1 if heat is None else 2
    if width > WIDE * height:
        broad, heights = 7.0, [max(0.8, 7 * height / width)] * pictures + [2.2]
        figure = Figure(figsize=(9.5, sum(heights) + pictures + 0.8), layout="constrained")
        axes = figure.subplots(pictures + 1, 1, height_ratios=heights)
    else:
        broad = max(2.8, 3.6 * width / height)
        widths = [broad] * pictures + [3.0]
        figure = Figure(figsize=(sum(widths) + pictures + 2, 4.8), layout="constrained")
        axes = figure.subplots(1, pictures + 1, width_ratios=widths)
    letters = int(broad / LETTER)
    axes[0].imshow(picture)
    axes[0].set_title(caption(name, letters), fontsize="medium", parse_math=False)
    if heat is not None:
        axes[1].imshow(picture.mean(2), cmap="gray")
        drawn = axes[1].imshow(heat, cmap=COLOURS, alpha=OPACITY, vmin=0, vmax=heat.max())
        axes[1].set_title(f"where the net sees\n{caption(best[0][0], letters)}", fontsize="medium", parse_math=False)
        figure.colorbar(drawn, ax=axes[1], label="probability by position")
    for each in axes[:-1]:
        each.set(xticks=[], yticks=[])
    _draw_bars(axes[-1], best)
    if heat is not None:
        made_by += "; map: mean over dense Q and mirror images"
    figure.supxlabel(textwrap.fill(made_by, int(figure.get_figwidth() / LETTER)), fontsize="small")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a box stands for a letter that the font lacks
        figure.savefig(path, dpi=120, bbox_inches="tight")


def _draw_bars(axes, best: Sequence[tuple[str, float]]) -> None:
    names, probs = zip(*best, strict=True)
    bars = axes.barh(range(len(best)), probs)
    axes.bar_label(bars, [f"{p:.3f}" for p in probs], padding=3)
    axes.set_yticks(range(len(best)), [caption(name, NAME) for name in names], parse_math=False)
    axes.set(xlabel="probability", xlim=(0, 1.2), xticks=[0, 0.5, 1])
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
