"""Blocks of images under parts: prepared ahead, computed together, and handed over one by one."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.engine.batch_stream import HELD, finished
from bench.engine.capacity import Capacity
from bench.engine.part_posteriors import PartWork
from bench.engine.view_batches import scaling_of
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.limits import LIMITS
from bench.images.loader import Loader, Prepared
from bench.nets.model import Model
from bench.progress import Meter
from protocols.protocol import Part
from results.descriptors import Descriptors
from results.formatting import shown
from results.posteriors import Posteriors

ModelPart = tuple[Model, Part]


@dataclass(frozen=True)
class Wanted:
    """A block's number, its images' indices, and which of the parts it is wanted under."""

    number: int
    indices: Sequence[int]
    parts: Sequence[int]


@dataclass(frozen=True)
class PreparedBlock:
    """A block whose images are prepared, None where one cannot be decoded; `waited` for so many seconds."""

    wanted: Wanted
    images: Sequence[Prepared | None]
    waited: float

    @property
    def good(self) -> list[tuple[int, Prepared]]:
        """Indices and images, of those that can be decoded."""
        return [(i, image) for i, image in zip(self.wanted.indices, self.images, strict=True) if image is not None]

    @property
    def bad(self) -> list[int]:
        """Indices of those that cannot be decoded."""
        return [i for i, image in zip(self.wanted.indices, self.images, strict=True) if image is None]


@dataclass(frozen=True)
class PartBlock:
    """What one part gives for one block: rows of the images that can be decoded, and the seconds it took."""

    block: PreparedBlock
    part: int
    rows: Posteriors | Descriptors
    seconds: float


@dataclass
class Clock:
    """Shares the time that passes among works that end one after the other, but for what was waited in it."""

    last: float = field(default_factory=time.perf_counter)
    waited: float = 0

    def wait(self, start: float) -> float:
        """Seconds since `start`, which were waited."""
        seconds = time.perf_counter() - start
        self.waited += seconds
        return seconds

    def lap(self) -> float:
        """Seconds of the work that ends now."""
        now = time.perf_counter()
        spent, self.last, self.waited = now - self.last - self.waited, now, 0
        return max(0.0, spent)


class GroupWork(PartWork):
    """One part on the images of several blocks."""

    def __init__(self, part: int, blocks: Sequence[PreparedBlock], pair: ModelPart, capacity: Capacity, meter: Meter):
        model, named = pair

        def advance(share: float) -> None:
            meter.at(f"{model.name} {named}")
            meter.add(share)

        images = [image for block in blocks for _, image in block.good]
        super().__init__(model, named, images, capacity, advance, cost(model, named))
        self.part, self.blocks = part, blocks


class PartBlocks:
    """All wanted blocks of images under parts, whose nets are on one device.

    On a CPU a batch has views of one block, and in fp32 a view's numbers are the same to the bit whatever is computed
    beside it. On a device with memory of its own the views of several blocks fill its batches: there kernels are
    chosen by the batch's length, and numbers agree up to their rounding.
    """

    def __init__(self, pairs: Sequence[ModelPart], images: Images, loader: Loader, capacity: Capacity, meter: Meter):
        self.pairs, self.images = pairs, images
        self.loader, self.capacity, self.meter = loader, capacity, meter
        self.clock = Clock()

    def computed(self, wanted: Sequence[Wanted], skip: bool) -> Iterator[PartBlock]:
        """Block by block, and each under its parts; without `skip` images that cannot be decoded are a UserError.

        Blocks before come first. Raises UserError for what is not finite.
        """
        self.clock = Clock()
        for work in finished(self._works(wanted, skip), self.capacity):
            seconds, rows, start = self.clock.lap(), work.averages(), 0
            for block in work.blocks:
                good = [i for i, _ in block.good]
                share = seconds * len(good) / work.count if work.count else seconds / len(work.blocks)
                found = self._rows(work.part, good, rows[start : start + len(good)])
                yield PartBlock(block, work.part, found, share + block.waited / len(block.wanted.parts))
                start += len(good)

    def _works(self, wanted: Sequence[Wanted], skip: bool) -> Iterator[GroupWork]:
        for group in self._groups(wanted, skip):
            for part in sorted({part for block in group for part in block.wanted.parts}):
                blocks = [block for block in group if part in block.wanted.parts]
                model, named = self.pairs[part]
                self.meter.at(f"{model.name} {named}")
                model.ready(named)
                yield GroupWork(part, blocks, self.pairs[part], self.capacity, self.meter)

    def _groups(self, wanted: Sequence[Wanted], skip: bool) -> Iterator[list[PreparedBlock]]:
        """Blocks that are computed together: so many that each part has the views that are under way at once."""
        group: list[PreparedBlock] = []
        for block in self._prepared(wanted):
            if not skip and None in block.images:
                if group:
                    yield group
                raise _undecodable(self.loader.undecodable())
            group.append(block)
            if self._enough(group):
                yield group
                group = []
        if group:
            yield group

    def _prepared(self, wanted: Sequence[Wanted]) -> Iterator[PreparedBlock]:
        scalings = [scaling_of(part, model.pixels) for model, part in self.pairs]
        to_prepare = [(each.indices, sorted({scalings[part] for part in each.parts})) for each in wanted]
        ahead = max(1, self.capacity.at_once // max(1, len(wanted[0].indices))) if wanted else 1
        prepared = self.loader.blocks(to_prepare, ahead)
        for each in wanted:
            start = time.perf_counter()
            images = next(prepared)
            yield PreparedBlock(each, images, self.clock.wait(start))

    def _enough(self, group: Sequence[PreparedBlock]) -> bool:
        if not self.capacity.lane.joined:
            return True
        images = [image for block in group for image in block.images if image]
        if sum(pixels.nbytes for image in images for pixels in image.at.values()) >= HELD:
            return True
        views = min(cost(*self.pairs[part]) / self.pairs[part][0].side ** 2 for part in group[0].wanted.parts)
        return len(images) * views >= self.capacity.at_once

    def _rows(self, part: int, good: Sequence[int], values: np.ndarray) -> Posteriors | Descriptors:
        model, named = self.pairs[part]
        ids = np.array([self.images.ids[i] for i in good], dtype=str)
        bad = ~np.isfinite(values).all(1)
        if bad.any():
            what = "descriptor" if named.features else "posterior"
            raise UserError(
                f"{model.name} gives a {what} that is not finite for {shown(ids[bad.argmax()])} under {named}; "
                "check weights and --pixels, or give --dtype fp32"
            )
        return Descriptors(values, ids) if named.features else Posteriors(values, self.images.labels[list(good)], ids)


def cost(model: Model, part: Part) -> float:
    """Pixels that the net sees per image, as for a 4:3 one: what the progress bar counts in."""
    if part.whole:
        return part.nominal_views * part.Q**2 * 4 / 3
    return part.nominal_views * model.side**2


def _undecodable(names: Sequence[str]) -> UserError:
    return UserError(
        f"{len(names)} image(s) cannot be decoded, or are too large ({LIMITS}): {', '.join(map(shown, names))}; "
        "mend or remove them, or give --skip-corrupt"
    )
