"""Labels in the classes of the nets that are judged by them; several nets must agree on these."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.errors import UserError
from bench.images.classes import reconcile
from bench.images.dataset import Images
from bench.images.real_labels import check_right
from bench.nets.model import Model


def same_classes(images: Images, models: Sequence[Model]) -> Images:
    """Labels as indices of the models' classes; several models must agree. Raises UserError."""
    first = models[0]
    seen = _reconciled(images, first)
    assumed = seen.assumed
    for model in models[1:]:
        other = _reconciled(images, model)
        if model.count != first.count or not np.array_equal(other.labels, seen.labels) or _reordered(first, model):
            raise UserError(
                f"models '{first.name}' and '{model.name}' order their classes differently and cannot be compared; "
                "run them one by one"
            )
        assumed |= other.assumed
    check_right(seen, first.count, first.classes)
    return replace(seen, assumed=assumed)


def _reconciled(images: Images, model: Model) -> Images:
    chosen = model.whole or model.drop is not None
    return reconcile(images, model.count, model.classes, model.weights.source, whole=chosen)


def _reordered(one: Model, other: Model) -> bool:
    """Whether two nets know the same classes in different orders."""
    names, others = one.classes, other.classes
    return bool(names and others) and names != others and set(names or ()) == set(others or ())
