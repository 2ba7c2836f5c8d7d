"""The colours of a class score map over an image, the same wherever one is drawn."""

from functools import cache

import numpy as np
from PIL import Image

COLOURS = "inferno"  # matplotlib's, even to the eye: from black through violet, red and orange to pale yellow
OPACITY = 0.6


def coloured(heat: np.ndarray) -> Image.Image:
    """A map (h, w) as a picture with a palette, whose last colour is the map's highest value and whose first is 0."""
    levels = np.round(255 * heat.astype(np.float64) / max(float(heat.max()), 1e-12))
    picture = Image.fromarray(levels.astype(np.uint8))
    picture.putpalette(_palette())
    return picture


@cache
def _palette() -> bytes:
    from matplotlib import colormaps  # slow to load

    return colormaps[COLOURS](np.arange(256), bytes=True)[:, :3].tobytes()
