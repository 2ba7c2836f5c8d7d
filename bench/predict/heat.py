"""Where in an image a net sees a class: the class score map laid over the image."""

import numpy as np

from bench.engine.rows import Row
from bench.engine.view_batches import scaling_of
from bench.images.loader import Prepared
from bench.images.pixels import cut, size_of
from bench.nets.out_of_memory import enough_memory
from protocols.view import Size


def heat_map(row: Row, image: Prepared, index: int, size: Size) -> np.ndarray | None:
    """Posterior of class `index` by position, (height, width) of `size`; None where no part of the row is dense.

    The mean over the row's nets, their dense Q, and the mirror images.
    """
    maps = []
    for model, part in row.parts:
        for view in part.views(image.size, model.side) if part.whole else ():
            seen = cut(image.at[scaling_of(part, model.pixels)], view)
            with enough_memory(f"the class score map of {image.name!r}", "give smaller Q, or leave --plot out"):
                values = model.posterior_map(seen, index).numpy()
            heat = over_image(values, model.map_places, size_of(seen), size)
            maps.append(heat[:, ::-1] if view.flip else heat)
    return np.mean(maps, axis=0) if maps else None


def over_image(values: np.ndarray, places: tuple[float, float], seen: Size, size: Size) -> np.ndarray:
    """Values of a score map (h, w) over the whole image, (height, width) of `size`.

    `places` are the pixels of the image as the net saw it, of size `seen`, where the first value lies and how far the
    others are apart. Linear between them, constant towards the image's edges, where no window has its middle.
    """
    first, distance = places
    down, across = ((np.arange(pixels) + 0.5) / pixels for pixels in (size.height, size.width))
    tops, lefts = (first + distance * np.arange(count) for count in values.shape)
    rows = np.stack([np.interp(across * seen.width, lefts, row) for row in values])
    return np.stack([np.interp(down * seen.height, tops, column) for column in rows.T], axis=1)
