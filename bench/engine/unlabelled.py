"""Posteriors of images whose classes nobody knows, one image after the other; nothing is stored."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from bench.engine.compiling import compile_nets
from bench.engine.fill import blocks_of, engine
from bench.engine.part_blocks import PartBlocks, Wanted, cost
from bench.engine.request import Computation
from bench.engine.rows import Row
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.classes import readable
from bench.images.loader import Prepared
from bench.nets.model import Model
from bench.progress import Meter
from protocols.protocol import Part
from results.posteriors import Posteriors, combine


@dataclass(frozen=True)
class Prediction:
    """An image's posteriors, (K,) float32. `image` is what the nets saw, `id` what the image is called."""

    id: str
    image: Prepared
    probs: np.ndarray

    def best(self, count: int) -> np.ndarray:
        """The most probable classes, best first: indices, (count,) or (K,) where there are fewer."""
        return np.argsort(-self.probs, kind="stable")[:count]


def predictions(row: Row, images: Images, how: Computation) -> Iterator[tuple[str, Prediction | str]]:
    """Each image's id and prediction, or why it cannot be read; a few blocks are in memory at once."""
    pairs = list(dict.fromkeys(row.parts))
    costs = sum(cost(model, part) for model, part in pairs)
    meter = Meter(len(images) * costs, "predicting", len(images), "image")
    with (
        closing(meter),
        engine(images, row.nets[0][0], how.batch, how.loading, forgiving=True) as (loader, capacity),
    ):
        compile_nets(((model, part, len(images) * cost(model, part)) for model, part in pairs), how.compile)
        every = range(len(pairs))
        wanted = [Wanted(number, indices, every) for number, indices in enumerate(blocks_of(images))]
        found: defaultdict[int, dict[tuple[Model, Part], Posteriors]] = defaultdict(dict)
        for each in PartBlocks(pairs, images, loader, capacity, meter).computed(wanted, skip=True):
            assert isinstance(each.rows, Posteriors)
            number = each.block.wanted.number
            found[number][pairs[each.part]] = each.rows
            if len(found[number]) == len(pairs):
                probs = iter(_combined(row, found.pop(number)).probs)
                for i, image in zip(each.block.wanted.indices, each.block.images, strict=True):
                    yield images.ids[i], Prediction(images.ids[i], image, next(probs)) if image else loader.why[i]


def class_names(models: Sequence[Model]) -> tuple[str, ...]:
    """What the nets call their classes. Raises UserError where they do not know the same ones."""
    first = models[0]
    named = {readable(model.classes, model.count) for model in models if model.classes}
    if len(named) > 1 or len({model.count for model in models}) > 1:
        all_of_them = ", ".join(f"'{model.name}'" for model in models)
        raise UserError(f"models {all_of_them} do not have the same classes in the same order; give one at a time")
    return named.pop() if named else readable(None, first.count)


def _combined(row: Row, parts: Mapping[tuple[Model, Part], Posteriors]) -> Posteriors:
    return combine(
        [[(parts[model, part], share) for part, share in protocol.weights.items()] for model, protocol in row.nets]
    )
