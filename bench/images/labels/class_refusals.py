"""Why nobody can say which of the weights' classes is meant, and what the user can do about it."""

from difflib import get_close_matches

import numpy as np

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.named_classes import is_imagenet, unlike
from bench.images.labels.numbered_classes import NUMBER, by_number, whole_numbers

BACKGROUND = {"background", "bg", "dummy"}  # what a first class is called that is none
AS_NAMED = "give the numbers that name the classes, as they are (without --labels-from)"


def several_labels(source: str) -> UserError:
    """Why images that have several labels each are not evaluated as others are, or trained on."""
    return UserError(
        f"data {source!r}: its images have several labels each, which error rates do not count; give it to "
        "bench.transfer, or other data here"
    )


def refuse_order(images: Images, count: int, source: str) -> None:
    """Raise UserError where the classes' order is a matter of choice, and nobody chose."""
    assert images.classes is not None
    ordered, numbers = by_number(images.classes), whole_numbers(images.classes)
    if images.order or ordered is None:
        return
    first = ", ".join(images.classes[:4])
    past = numbers is not None and len(numbers) < count == max(numbers) and min(numbers) > 0
    from_one = past or sorted(images.classes) == sorted(str(number + 1) for number in range(len(images.classes)))
    differ = ordered != sorted(images.classes)
    remedies = []
    if from_one:
        remedies.append("--labels-from 1 if 1 is the net's first class")
    if not from_one or (count > len(images.classes) and not past):
        remedies.append(f"--class-order number ({', '.join(ordered[:4])}, ...)")
    if differ and count == len(images.classes):
        remedies.append(f"--class-order text ({first}, ..., as torchvision's ImageFolder)")
    if from_one or differ:
        plain = [name for name in images.classes if not NUMBER.fullmatch(name)]
        mixed = 0 < len(plain) < len(images.classes)
        odd = f", and {plain[0]!r} is no number" if mixed else ""
        numbered = len(images.classes) - len(plain) * mixed
        raise UserError(
            f"data {images.name!r}: {numbered} classes are numbered{odd}; give {', or '.join(remedies)}; "
            f"{source} has {count} classes and no names for them"
        )


def other_count(images: Images, found: int, count: int, source: str) -> UserError:
    """Of classes as many as the weights do not have, who name none."""
    numbers = whole_numbers(images.classes)
    hint = "give data and weights of the same classes"
    if numbers and not images.order and max(numbers) < count:
        hint = "give --class-order number if their names are the net's indices"
    return UserError(
        f"data {images.name!r}: class count {found}, but {source} has {count} classes and no names for them; {hint}"
    )


def refuse_background(images: Images, count: int, names: tuple[str, ...] | None, source: str) -> None:
    """Raise UserError where a net's first class is, or seems, no class of the data, so that all would be off by one."""
    first = names[0] if names else None
    if first.strip("_ ").casefold() not in BACKGROUND if first is not None else count != len(wnids()) + 1:
        return
    if images.classes is None or (images.named and images.classes == names):
        spare = images.present.max() < count - 1
    else:
        numbers = whole_numbers(images.classes)
        by_name = set(images.classes) <= set(names or ())
        spare = not by_name and (is_imagenet(images) or (numbers is not None and max(numbers) < count - 1))
    if spare:
        what = "usually background" if first is None else f"named {first!r}"
        whole = "" if is_imagenet(images) else f", or --drop-class none if all {count} are meant"
        raise UserError(
            f"data {images.name!r}: the first of {count} classes is {what}: labels would be off by one; give "
            f"--drop-class 0{whole} ({source})"
        )


def outside(images: Images, unknown: list[int], source: str, allowed: str, own: set[int]) -> UserError:
    """Of labels that the weights do not have, with what mends labels that count from 1."""
    among = np.flatnonzero(np.isin(images.labels, unknown))
    first = among[0] if len(among) else None
    where = "an image beyond the limit" if first is None else f"image {images.ids[first]!r}"
    label = unknown[0] if first is None else images.labels[first]
    hint = ""
    if {number - 1 for number in images.present.tolist()} <= own:
        devkit = ", unless they are the devkit's ids, whose order is another" if len(own) == len(wnids()) else ""
        hint = f"; where they count from 1{devkit}, give --labels-from 1"
    elif {number + 1 for number in images.present.tolist()} <= own:
        hint = f"; {AS_NAMED}"
    return UserError(
        f"data {images.name!r}: {where} has label {label}, but {source} has {len(own)} classes, {allowed} "
        f"({len(among)} of {len(images)} images are outside){hint}"
    )


def unknown_class(images: Images, names: tuple[str, ...], source: str) -> UserError:
    """Of classes that the weights do not name, with what may mend it."""
    known = set(names)
    unknown = [name for name in map((images.classes or ()).__getitem__, images.present) if name not in known]
    unknown = unlike(unknown, names) or unknown
    first = next((name for name in unknown if name not in wnids()), unknown[0])  # the odd one among WordNet ids
    near = get_close_matches(first, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "rename the class, or give other weights"
    if numbers := whole_numbers(images.classes):
        own = whole_numbers(names)
        if own and {number - 1 for number in numbers} <= set(own):
            hint = "where the data count from 1, give --labels-from 1"
        elif own and {number + 1 for number in numbers} <= set(own):
            hint = AS_NAMED
        elif own is None and min(numbers) > 0 and max(numbers) == len(names):
            hint = "where the data count from 1, give --labels-from 1"
        elif own is None and max(numbers) < len(names):
            hint = "if these are the net's indices, give --class-order number; --labels-from 1 if they count from 1"
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return UserError(
        f"data {images.name!r}: {source} does not know class {first!r} ({len(unknown)} classes are unknown); "
        f"it knows {len(names)}: {some}; {hint}"
    )
