"""Where in an image a net sees a class: the class score map laid over the image."""

from collections.abc import Sequence

import numpy as np

from bench.engine.rows import Row
from bench.engine.view_batches import scaling_of
from bench.images.loader import Prepared
from bench.images.pixels import cut, size_of
from bench.nets.model import Model
from bench.nets.out_of_memory import enough_memory
from protocols.protocol import Part
from protocols.view import Size


def heat_map(row: Row, image: Prepared, index: int, size: Size) -> np.ndarray | None:
    """Posterior of class `index` by position, (height, width) of `size`; None where no part of the row is dense.

    The mean over the row's nets, their dense Q, and the mirror images.
    """
    maps = heat_maps(row, image, [index], size, "--plot")
    return None if maps is None else maps[0]


def heat_maps(row: Row, image: Prepared, classes: Sequence[int], size: Size, option: str) -> np.ndarray | None:
    """The same of several classes, (classes, height, width); `option` asked for it, and is left out to do without."""
    maps = []
    for model, part in dense_parts(row):
        for view in part.views(image.size, model.side):
            seen = cut(image.at[scaling_of(part, model.pixels)], view)
            with enough_memory(f"the class score map of {image.name!r}", f"give smaller Q, or leave {option} out"):
                values = model.posterior_map(seen, classes).numpy()
            heat = np.stack([over_image(each, model.map_places, size_of(seen), size) for each in values])
            maps.append(heat[..., ::-1] if view.flip else heat)
    return np.mean(maps, axis=0) if maps else None


def dense_parts(row: Row) -> list[tuple[Model, Part]]:
    """The parts of a row that have a class score map."""
    return [(model, part) for model, part in row.parts if part.whole]


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
