"""What rows cost: the floating-point operations that plain evaluation of all their views takes an image."""

from collections import Counter
from collections.abc import Mapping, Sequence

from bench.engine.job import Job
from bench.engine.rows import Row
from bench.errors import UserError
from bench.images.dataset import Images, evenly_spaced
from bench.images.sizes import sizes_of
from bench.nets.layers import hooks_of
from bench.nets.model import Model
from protocols.protocol import Part
from protocols.view import Size

MOST_IMAGES = 512  # whose sizes are looked at
MOST_SIZES = 32  # that are counted, for one part


def gflops_of(job: Job) -> dict[Row, float | None]:
    """Each row's cost in 1e9 floating-point operations an image: all views of all parts of all its nets.

    They are twice the multiply-adds of convolutions and products. Every view counts as the protocol has it, those that
    coincide too, and crops that share early features as one by one. Of parts that see whole images it is the mean over
    the images; if there are more than 512 over so many, evenly spread; if these have more than 32 sizes at a Q over so
    many of them, evenly spread by area. None where a net cannot be counted, such as one with hooks of its caller's.
    """
    parts = dict.fromkeys(each for row in job.rows for each in row.parts)
    sizes = _sizes(job.images) if any(part.whole for _, part in parts) else []
    costs = {(model, part): part_flops(model, part, sizes) for model, part in parts}
    return {row: _sum([costs[each] for each in row.parts]) for row in job.rows}


def part_flops(model: Model, part: Part, sizes: Sequence[Size]) -> float | None:
    """The mean over images of these (original) sizes; None where no size, or nothing of the net, can be counted."""
    seen = spread([part.rescaled(size) for size in sizes]) if part.whole else {Size(part.Q, part.Q): 1}
    if not seen or hooks_of(model.net):
        return None
    try:
        total = sum(count * _image_flops(model, part, size) for size, count in seen.items())
    except Exception:  # from within a net it may be anything
        return None
    return total / sum(seen.values()) or None  # a net that shows no product is not a net that costs nothing


def spread(sizes: Sequence[Size], most: int = MOST_SIZES) -> Mapping[Size, int]:
    """Distinct sizes with how often each counts; of more than `most` so many, evenly spread by area over all."""
    if len(set(sizes)) > most:
        by_area = sorted(sizes, key=lambda size: (size.width * size.height, size))
        sizes = [by_area[(2 * k + 1) * len(sizes) // (2 * most)] for k in range(most)]
    return Counter(sizes)


def _image_flops(model: Model, part: Part, rescaled: Size) -> int:
    """All views of an image of this size, which is the part's already."""
    views = Counter[tuple[Size, bool]]()
    for view, count in part.views(rescaled, model.side).items():
        views[view.shown(rescaled), view.box is None] += count
    return sum(count * model.flops(size.height, size.width, whole) for (size, whole), count in views.items())


def _sizes(images: Images) -> list[Size]:
    """Of some of the images that can be decoded; none where they cannot be read any more."""
    try:
        return [size for size in sizes_of(images.take(evenly_spaced(len(images), MOST_IMAGES))) if size]
    except UserError:
        return []


def _sum(parts: Sequence[float | None]) -> float | None:
    known = [each for each in parts if each is not None]
    return sum(known) / 1e9 if len(known) == len(parts) else None
