"""An image as small as it is shown."""

from PIL import Image, ImageOps

from bench.errors import UserError
from bench.images.dataset import Place
from bench.images.decoding import UndecodableError, read


def fitted(place: Place, side: int) -> Image.Image | None:
    """The whole image in RGB, its longer side `side` pixels; None where it cannot be read."""
    try:
        return ImageOps.contain(read(*place), (side, side))
    except (UndecodableError, UserError):
        return None
