"""The sizes of a set's images as they are decoded, kept in the cache: 50,000 files are opened for them once."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import PIL

from bench.cache import cache_folder
from bench.cores import cores
from bench.images.dataset import Images, Place
from bench.images.decoding import UndecodableError, size_in
from bench.images.image_source import Source
from bench.images.known_files import KnownFiles
from bench.images.python_image import PythonImage
from bench.progress import progress
from protocols.view import Size

HOW = f"size 1 {PIL.__version__}"  # sizes are found: raise the number where others would be


def sizes_of(images: Images) -> list[Size | None]:
    """Width and height of each image, turned and cut as its set has it; None of one that cannot be decoded.

    Raises UserError for what may pass.
    """
    places = [images.place(index) for index in range(len(images))]
    whole = [source for source, box, _ in places if box is None and not isinstance(source, PythonImage)]
    with KnownFiles(cache_folder(), f"{HOW} {'EXIF' if images.exif else 'no EXIF'}") as known:
        kept: dict[Source, Size] = {
            source: size for source, text in known.find(whole).items() if (size := _size_in(text))
        }
        lacking = [place for place in places if place.box or place.source not in kept]
        found = dict(zip(lacking, _read(lacking), strict=True))
        for (source, box, _), size in found.items():
            if size and box is None and not isinstance(source, PythonImage):
                known.keep(source, json.dumps(size))
    return [found[place] if place in found else kept[place.source] for place in places]


def _read(places: Sequence[Place]) -> list[Size | None]:
    with ThreadPoolExecutor(cores()) as pool:
        return list(progress(pool.map(_size, places), len(places), "reading the images' sizes"))


def _size(place: Place) -> Size | None:
    try:
        return size_in(*place)
    except UndecodableError:
        return None


def _size_in(text: str) -> Size | None:
    """What the cache says, None where that is nothing that was written here."""
    try:
        size = Size(*json.loads(text))
    except (ValueError, TypeError):
        return None
    return size if all(isinstance(side, int) for side in size) else None
