"""`--dry-run`: which parts are wanted, what is stored of them, and what all of them would cost."""

from collections import Counter
from collections.abc import Sequence
from functools import cache

import pandas as pd

from bench.engine.fill import Task
from bench.images.dataset import Images
from bench.images.sizes import sizes_of
from protocols.view import Size
from results.store import BLOCK


def plan(tasks: Sequence[Task], images: Images) -> str:
    """A Markdown table, a row per part; FLOPs are of all its images, twice the multiply-adds."""
    sizes = Counter(size for size in sizes_of(images) if size)
    return pd.DataFrame([_row(task, images, sizes) for task in tasks]).to_markdown(index=False)


def _row(task: Task, images: Images, sizes: Counter[Size]) -> dict[str, object]:
    blocks = -(-len(images) // BLOCK)
    stored = sum(task.store.has(number) for number in range(blocks))
    views = flops = 0
    cost = cache(task.model.flops)
    for size, count in sizes.items():
        for view in task.part.views(size, task.model.side):
            width, height = view.shown(task.part.rescaled(size))
            views += count
            flops += count * cost(height, width, view.box is None)
    return {
        "model": task.model.name,
        "part": str(task.part),
        "images": len(images),
        "stored blocks": f"{stored} of {blocks}",
        "distinct views": views,
        "TFLOP": f"{flops / 1e12:.3g}",
    }
