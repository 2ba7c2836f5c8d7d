"""Where a part's blocks are kept: under everything that changes its numbers."""

from collections.abc import Iterable
from pathlib import Path

from bench.engine.fill import Task
from bench.engine.rows import Row
from bench.engine.view_batches import scaling_of
from bench.images.dataset import Images
from bench.images.survey import USUAL_RULE
from bench.nets.model import Model
from protocols.protocol import Part
from results.store import BLOCK, Store

GEOMETRY = "1"  # raise it with every change of views, rescaling or averaging that alters a number
DESCRIPTORS = "1"  # the same of what descriptors are, beside their geometry
Tasks = dict[tuple[Model, Part], Task]


def part_key(model: Model, part: Part, images: Images) -> dict[str, str]:
    """Everything that changes the numbers of a part."""
    return {
        "model": model.name,
        "width": f"{model.weights.width:g}",
        "weights": model.weights.digest,
        **({} if model.drop is None else {"drop": str(model.drop)}),
        "data": images.digest,
        "part": str(part),
        "crop": str(model.side),
        "pixels": str(model.pixels),
        "rules": rules_of(images, model, part),
        "map": model.map_rule,
        "dtype": model.precision.said(model.device),
        "geometry": GEOMETRY,
        "block": str(BLOCK),
    }


def descriptor_key(model: Model, part: Part, images: Images) -> dict[str, str]:
    """Everything that changes the descriptors of a part: labels do not, nor what becomes of the last layer's scores."""
    with_labels = part_key(model, part, images)
    kept = {name: value for name, value in with_labels.items() if name not in ("drop", "map")}
    return {**kept, "data": images.unlabelled_digest, "descriptors": DESCRIPTORS}


def rules_of(images: Images, model: Model, part: Part) -> str:
    """How images become pixels for a part: as their set says, but rescaled as weights and protocol have it."""
    return images.rules.replace(USUAL_RULE, scaling_of(part, model.pixels).rule)


def tasks_of(rows: Iterable[Row], images: Images, root: Path, passing: Path | None = None) -> Tasks:
    """The parts that all rows need, with their places in the store; of nets that are not to be kept in `passing`."""
    wanted = dict.fromkeys(each for row in rows for each in row.parts)
    return {
        (model, part): Task(model, part, Store(root if model.kept else passing or root, part_key(model, part, images)))
        for model, part in wanted
    }
