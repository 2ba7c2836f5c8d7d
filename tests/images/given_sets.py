"""Images as Python gives them, and what the loader makes of them."""

import time
from pathlib import Path

import numpy as np
from conftest import make_image
from PIL import Image

from bench.engine.fill import blocks_of
from bench.images.dataset import Images
from bench.images.loader import Loader
from bench.images.scaling import Scaling

PHOTO = make_image((40, 30), 3)
PIXELS = np.asarray(PHOTO)


class Numbered:
    """A data set that fails when two threads are in it, and counts what is fetched."""

    def __init__(self, items: list, **more: object) -> None:
        self.items = items
        self.fetched: list[int] = []
        self.inside = 0
        vars(self).update(more)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> object:
        self.inside += 1
        time.sleep(0.001)
        assert self.inside == 1, "two threads at once"
        self.inside -= 1
        self.fetched.append(index)
        item = self.items[index]
        if isinstance(item, Exception):
            raise item
        return item


def prepared(images: Images, forgiving: bool = False) -> list:
    loader = Loader(images, 4, forgiving)
    try:
        return [
            image
            for block in loader.blocks([(each, (Scaling(24), Scaling(32))) for each in blocks_of(images)])
            for image in block
        ]
    finally:
        loader.close()


def saved(folder: Path, image: Image.Image, name: str = "a.png", **how: object) -> Path:
    image.save(folder / name, **how)
    return folder / name
