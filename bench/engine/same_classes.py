"""Labels in the classes of the nets that are judged by them; several nets must agree on these."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.classes import reconcile
from bench.images.labels.known_images import as_published
from bench.images.labels.named_classes import by_names, by_nouns, places_of_imagenet
from bench.images.labels.numbered_classes import whole_numbers
from bench.images.labels.real_labels import right_among
from bench.nets.model import Model


def same_classes(images: Images, models: Sequence[Model]) -> Images:
    """Labels as indices of the models' classes; several models must agree. Raises UserError."""
    first = models[0]
    seen = _reconciled(images, first)
    assumed = seen.assumed
    for model in models[1:]:
        other = _reconciled(images, model)
        if model.count != first.count or not _same_labels(other, seen):
            raise _differently(first, model)
        _refuse_others(first, model)
        assumed |= other.assumed
    return replace(seen, assumed=assumed)


def _reconciled(images: Images, model: Model) -> Images:
    chosen = model.whole or model.drop is not None
    seen = reconcile(images, model.count, model.classes, model.weights.source, whole=chosen)
    checked = as_published(seen, images, model.count, model.classes)
    return right_among(checked, model.count, model.classes)


def _same_labels(one: Images, other: Images) -> bool:
    return np.array_equal(one.labels, other.labels) and one.right == other.right


def _refuse_others(one: Model, other: Model) -> None:
    """Raise UserError for nets whose names say that they know other classes, or the same in another order."""
    names, others = one.classes, other.classes
    if _say_nothing(names) or _say_nothing(others) or names == others:
        return
    assert names is not None
    assert others is not None
    place = _places(names, others) or _places(others, names)
    if place == list(range(one.count)):
        return
    if place is not None:
        raise _differently(one, other)
    odd = next((k for k, pair in enumerate(zip(names, others, strict=True)) if not _alike(*pair)), 0)
    raise UserError(
        f"class {odd} of model '{one.name}' is {names[odd]!r}, of model '{other.name}' {others[odd]!r}: they cannot be "
        "compared; run them one by one, or give names for the same classes by --classes"
    )


def _say_nothing(names: tuple[str, ...] | None) -> bool:
    """Whether nobody names the classes, or numbers from 0 do."""
    return names is None or whole_numbers(names) == tuple(range(len(names)))


def _places(names: tuple[str, ...], others: tuple[str, ...]) -> list[int] | None:
    """Where each of a net's classes is among another's, by name; None where one is not."""
    imagenet, there = (places_of_imagenet(len(each), each) for each in (names, others))
    if imagenet and there:
        index = dict(zip(imagenet, there, strict=True))
        return [index[k] for k in range(len(names))]
    numbers, own = whole_numbers(names), whole_numbers(others)
    if numbers and own:
        return list(map(own.index, numbers)) if set(numbers) == set(own) else None
    images = Images("names", (), (), np.arange(len(names)), names, len(names))
    try:
        found = by_nouns(images, len(others), others)
        found = by_names(images, others) if found is None else found
    except UserError:  # a name that could be two classes, or two that are one
        return None
    return None if found is None else found.labels.tolist()


def _alike(name: str, other: str) -> bool:
    return _places((name,), (other,)) is not None


def _differently(one: Model, other: Model) -> UserError:
    return UserError(
        f"models '{one.name}' and '{other.name}' order their classes differently and cannot be compared; "
        "run them one by one"
    )
