"""Which nets are compiled before they see their images."""

from collections import defaultdict
from collections.abc import Iterable

import torch

from bench.nets.model import Model
from bench.progress import note
from protocols.protocol import Part

# A minute, which compiling takes, is two million times the 30 µs by which a GPU with 3 TB/s is sooner done with a crop
# of 224 px of VGG-16 where a pass over maps of 27 MB does what three do; slower memory makes up for it sooner.
WORTH = 2e6 * 224**2  # pixels


def compiling_pays(device: torch.device, pixels: float) -> bool:
    """Whether a net that is to see so many pixels is sooner done if compiled first; a CPU has forms of its own."""
    return device.type == "cuda" and pixels >= WORTH


def compile_nets(work: Iterable[tuple[Model, Part, float]], how: str) -> None:
    """Compile nets for whole images, and for crops: "on", "off", or "auto" where what each sees is worth it.

    Crops that share early features stay as they are, and one line says of which nets "on" cannot be had.
    """
    pixels: dict[tuple[Model, bool], float] = defaultdict(float)
    for model, part, seen in work:
        if not (part.grid and model.grid):
            pixels[model, part.whole] += seen
    for (model, whole), seen in pixels.items():
        if how == "off" or (how == "auto" and not compiling_pays(model.device, seen)):
            model.compiled.pop(whole, None)
        elif why := model.uncompilable:
            if how == "on":
                note(f"--compile on: {model.name} is not compiled: {why}")
        elif whole not in model.compiled:
            views = "whole images" if whole else "crops"
            note(f"compiling {model.name} for {views}, about a minute (--compile off: none)")
            model.compile(whole)
