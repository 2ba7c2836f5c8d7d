"""A row's signature: one line that says what was measured, and nothing that only says how."""

from collections.abc import Iterable, Sequence

import numpy as np

from bench.engine.keys import GEOMETRY, rules_of
from bench.engine.rows import Row
from bench.images.dataset import Images
from bench.nets.model import Model
from results.result import signature


def row_signature(row: Row, images: Images, n: int, skipped: int, restricted: bool) -> str:
    """Of a row that counted `n` images, with `skipped` left out as corrupt; `restricted` if not all classes compete."""
    models = [model for model, _ in row.nets]
    first = models[0]
    return signature(
        {
            "model": joined(model.name for model in models),
            "width": per_net(f"{model.weights.width:g}" for model in models),
            "weights": joined(model.weights.digest[:12] for model in models),
            **_dropped(models),
            "data": images.digest[:12],
            **({"labels": images.right.source} if images.right else {}),
            "n": f"{n}/{images.total}",
            "skipped": str(skipped),
            "classes": _competing(images) if restricted else "all",
            "protocol": protocols_text(row),
            "crop": per_net(str(model.side) for model in models),
            "pixels": per_net(str(model.pixels) for model in models),
            "rules": joined(dict.fromkeys(rules_of(images, *each).replace(", ", ",") for each in row.parts)),
            "map": first.map_rule,
            "dtype": first.precision.said(first.device),
            "geometry": GEOMETRY,
        }
    )


def joined(names: Iterable[str]) -> str:
    return " + ".join(names)


def per_net(values: Iterable[str]) -> str:
    """What is equal for all fused nets is said once, else there is one value per net, in their order."""
    said = list(values)
    return said[0] if len(set(said)) == 1 else joined(said)


def protocols_text(row: Row) -> str:
    return per_net(str(protocol) for _, protocol in row.nets)


def _competing(images: Images) -> str:
    """Classes of the whole set; how many, where a limit takes images of fewer, or where the set itself has it so."""
    few = images.restricted or len(np.unique(images.labels)) < len(images.present)
    return f"present:{len(images.present)}" if few else "present"


def _dropped(models: Sequence[Model]) -> dict[str, str]:
    """Which class of each net was left out, where one was."""
    drops = ["none" if model.drop is None else str(model.drop) for model in models]
    return {"drop": joined(drops)} if set(drops) != {"none"} else {}
