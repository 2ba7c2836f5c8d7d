"""Whose class 3 is it? From a data set's own labels to the indices of the weights' classes."""

from collections import Counter
from dataclasses import replace

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.class_refusals import (
    other_count,
    outside,
    refuse_background,
    refuse_order,
    several_labels,
    unknown_class,
)
from bench.images.labels.imagenet_names import in_imagenets_order, nouns, wnids
from bench.images.labels.named_classes import by_names, by_nouns, is_imagenet, moved, refuse_mixture
from bench.images.labels.numbered_classes import from_one, renumbered, renumbered_present, whole_numbers


def readable(names: tuple[str, ...] | None, count: int) -> tuple[str, ...]:
    """What to call the weights' classes: ImageNet's, where they are known by number or WordNet id, by their nouns."""
    return nouns() if count == len(wnids()) and names in (None, wnids()) else names or tuple(map(str, range(count)))


def reconcile(images: Images, count: int, names: tuple[str, ...] | None, source: str, whole: bool = False) -> Images:
    """Make the labels indices of the weights' classes, by name where both sides have names.

    `count` and `names` are the weights' classes, `source` the weights' name for messages; the images' classes become
    `names` where they are known. Only classes that occur must be; names of ImageNet's 1000 in their usual order, which
    hubs make sentences of, stand for its WordNet ids. What is matched by order alone, and by nobody's word, is in
    `assumed`; labels that are indices count in the weights' names where they have some. Raises UserError where label
    and class cannot be matched, and for a class of background that labels would take for the first, unless `whole`
    says that it is one.
    """
    if images.multi:
        raise several_labels(images.name)
    if images.mapped:
        return _mapped(images, count, names, source)
    if images.classes is None:
        if not whole:
            refuse_background(images, count, names, source)
        return _by_index(images, count, names, source)
    if _are_the_weights(images, count, names):
        if not whole:
            refuse_background(images, count, images.classes, source)
        return images
    if in_imagenets_order(images.classes):
        images = replace(images, classes=wnids())
    if not whole:
        refuse_background(images, count, names, source)
    return _by_name(images, count, names, source)


def _by_name(images: Images, count: int, names: tuple[str, ...] | None, source: str) -> Images:
    """Classes with names: exactly the weights', WordNet ids, numbers, nearly the weights', or in order."""
    assert images.classes is not None
    known = names or ()
    present = {images.classes[label] for label in images.present}
    if present <= set(known) and not in_imagenets_order(known):  # which has two cranes
        return relabelled(images, known)
    if is_imagenet(images):
        return _by_wnid(images, count, names, source)
    numbers = whole_numbers(images.classes)
    own = whole_numbers(names)
    if numbers and own and set(numbers) <= set(own):  # 7 and 07
        return renumbered(images, [own.index(number) for number in numbers], names)
    if numbers and own is None and (found := _indices(images, numbers, count)):
        return _assumed(renumbered(found, numbers, names))
    if numbers is None and (found := by_nouns(images, count, names)):
        return replace(found, classes=names) if names else _assumed(found)
    if names:
        if found := by_names(images, names):
            return found
        refuse_mixture(images)
        raise unknown_class(images, names, source)
    refuse_order(images, count, source)
    refuse_mixture(images)
    if len(images.classes) != count:
        raise other_count(images, len(images.classes), count, source)
    return _assumed(images)


def _are_the_weights(images: Images, count: int, names: tuple[str, ...] | None) -> bool:
    """Whether labels count in the weights' own names, or in those that the user gave for both."""
    return images.classes == names or (images.named and names is None and len(images.classes or ()) == count)


def _mapped(images: Images, count: int, names: tuple[str, ...] | None, source: str) -> Images:
    """Labels that the user says are the weights' indices."""
    last = int(images.present[-1])
    if last >= count:
        raise UserError(
            f"--class-map: a class of data {images.name!r} is to be {last}, but {source} has {count} classes, 0 to "
            f"{count - 1}; mend the file"
        )
    return replace(images, classes=names)


def relabelled(images: Images, names: tuple[str, ...]) -> Images:
    """The images with labels that count in `names`, which hold all their classes that occur.

    Raises UserError for twins there, and for twins among the images' classes.
    """
    assert images.classes is not None
    counts, own = Counter(names), Counter(images.classes)
    for label in images.present:
        name = images.classes[label]
        if own[name] > 1:
            raise UserError(f"data {images.name!r}: {own[name]} of its classes are named {name!r}; rename them")
        if counts[name] > 1:
            raise UserError(
                f"data {images.name!r}: {counts[name]} classes of the weights are named {name!r}; rename them"
            )
    index = {name: number for number, name in enumerate(names)}
    return renumbered(images, [index.get(name, -1) for name in images.classes], names)


def _assumed(images: Images) -> Images:
    """Matched by order alone: assumed, unless the user said what the order is."""
    return images if images.order else replace(images, assumed=images.assumed | {"class order"})


def _by_index(images: Images, count: int, names: tuple[str, ...] | None, source: str) -> Images:
    """Labels that are indices already, or the numbers that the weights' classes are named by."""
    own = by_text(count) if images.order == "text" and names is None else whole_numbers(names)
    if own is None or own == tuple(range(count)):
        seen = replace(_in_range(images, count, source), classes=names)
        return seen if names else _assumed(seen)
    unknown = sorted(set(images.present.tolist()) - set(own))
    if unknown:
        raise outside(
            images, unknown, source, f"whose classes are named by numbers, {min(own)} to {max(own)}", set(own)
        )
    place = {number: index for index, number in enumerate(own)}
    doubts = () if min(own) else images.doubts  # that they count from 1, as these names do
    seen = replace(images, doubts=doubts)
    return renumbered_present(seen, [place[number] for number in images.present.tolist()], names)


def by_text(count: int) -> tuple[int, ...]:
    """The numbers from 0 in the order of their digits as text, in which torchvision's ImageFolder has such folders."""
    return tuple(sorted(range(count), key=str))


def _by_wnid(images: Images, count: int, names: tuple[str, ...] | None, source: str) -> Images:
    """WordNet ids that the weights' classes are not named by: ImageNet's 1000 in sorted order, or as many as occur.

    Weights that have its nouns in another order are followed.
    """
    assert images.classes is not None
    if count == len(wnids()):
        called = relabelled(images, wnids())
        if names and not in_imagenets_order(names) and (found := by_names(replace(called, classes=nouns()), names)):
            return found
        if names and moved(names):
            raise UserError(
                f"data {images.name!r}: {source} names ImageNet's classes in another order, but not all as they are "
                "called, so that it is not known which is which; give their names or WordNet ids by --classes"
            )
        seen = replace(called, classes=names or wnids())
        return seen if names and in_imagenets_order(names) else _assumed(seen)
    if names:
        raise unknown_class(images, names, source)
    present = tuple(sorted(images.classes[label] for label in images.present))
    if len(present) != count:
        raise other_count(images, len(present), count, source)
    return _assumed(relabelled(images, present))


def _indices(images: Images, numbers: tuple[int, ...], count: int) -> Images | None:
    """With classes that numbers name as the weights' indices, unless that is said not to be so, or they may be from 1.

    None where it is; what is taken so and could be otherwise is in the notes.
    """
    if max(numbers) >= count or images.order == "text" or (images.order is None and from_one(numbers)):
        return None
    assert images.classes is not None
    if images.order is None and list(map(int, sorted(images.classes))) != list(range(len(numbers))):
        last = images.classes[numbers.index(max(numbers))]
        note = (
            f"class names that are numbers are taken as the weights' indices, such as {last!r} as {max(numbers)}; "
            "--class-order text if the net was trained on such folders by torchvision's ImageFolder"
        )
        images = replace(images, notes=(*images.notes, note))
    return images


def _in_range(images: Images, count: int, source: str) -> Images:
    beyond = images.present[images.present >= count]
    if len(beyond):
        raise outside(images, beyond.tolist(), source, f"labels 0 to {count - 1}", set(range(count)))
    return images
