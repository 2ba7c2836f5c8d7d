"""`--data`: from what was typed to a set of images."""

from bench.cache import cache_folder
from bench.data import Images
from bench.errors import UserError
from bench.shapes import SPLITS, read_shapes


def open_data(spec: str, split: str = "val") -> Images:
    """Open `shapes`, and one split of it. Raises UserError."""
    if spec == "shapes" and split in SPLITS:
        return read_shapes(split, cache_folder())
    raise UserError(f"data '{spec}': give shapes")
