"""Labels in the classes of the nets that are judged by them; several nets must agree on these."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.errors import UserError
from bench.images.classes import reconcile
from bench.images.dataset import Images
from bench.images.real_labels import right_among
from bench.nets.model import Model


def same_classes(images: Images, models: Sequence[Model]) -> Images:
    """Labels as indices of the models' classes; several models must agree. Raises UserError."""
    first = models[0]
    seen = _reconciled(images, first)
    assumed = seen.assumed
    for model in models[1:]:
        other = _reconciled(images, model)
        if model.count != first.count or not _same_labels(other, seen) or _reordered(first, model):
            raise UserError(
                f"models '{first.name}' and '{model.name}' order their classes differently and cannot be compared; "
                "run them one by one"
            )
        assumed |= other.assumed
    return replace(seen, assumed=assumed)


def _reconciled(images: Images, model: Model) -> Images:
    chosen = model.whole or model.drop is not None
    seen = reconcile(images, model.count, model.classes, model.weights.source, whole=chosen)
    return right_among(seen, model.count, model.classes)


def _same_labels(one: Images, other: Images) -> bool:
    return np.array_equal(one.labels, other.labels) and one.right == other.right


def _reordered(one: Model, other: Model) -> bool:
    """Whether two nets know the same classes in different orders."""
    names, others = one.classes, other.classes
    return bool(names and others) and names != others and set(names or ()) == set(others or ())
