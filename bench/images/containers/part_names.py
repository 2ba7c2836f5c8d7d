"""What parts of sets are called, which one is taken, and the order of files: of folders, shards and hubs alike."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

TRAINING = ("train", "training", "trn")
EVALUATION = ("val", "valid", "validation", "dev", "eval", "evaluation", "test", "testing")  # the first is taken
PART = re.compile(  # seg_train, training_set, val2017
    rf"(?:(.*)[ _.-])?({'|'.join((*TRAINING, *EVALUATION))})(?:[ _.-]?(?:set|data|dataset|images|split))?"
    r"(?:[ _.-]?[0-9]{1,4})?",
    re.IGNORECASE | re.DOTALL,
)
DIGITS = re.compile(r"([0-9]+)")
SEEN = "has seen them"  # of a net, at the end of what is said of images for training


@cache
def word_of(name: str) -> str | None:
    """The word for a part in a name, such as `train` in `Training_Set`: one of the above; None where it has none."""
    match = PART.fullmatch(name)
    return match[2].casefold() if match else None


def is_training(name: str) -> bool:
    """Whether a folder or file of this name holds training images: `train`, `training_set`, `flowers-train`."""
    return word_of(name) in TRAINING


def in_order(parts: Mapping[str, str | None], split: str) -> list[str]:
    """The names among `parts`, each with its word, of those that can be the split, the one to be taken first."""
    words = TRAINING if split == "train" else EVALUATION
    places = {name: words.index(word) for name, word in parts.items() if word in words}
    return sorted(places, key=lambda name: (name != words[0], places[name], name))


def choice(taken: str, others: Sequence[str], way: str, lacking: str | None) -> tuple[str, ...]:
    """What to say of the part that is evaluated: the others, which could be in this way, or else what is lacking."""
    if others:
        return (f"{taken} is evaluated; {' and '.join(others)} could be, by {way}",)
    return (f"{taken} is evaluated, for want of {lacking}",) if lacking else ()


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names by what they are: shard 2 before shard 10."""
    parts = DIGITS.split(name)
    return [(int(part) if number % 2 else 0, part) for number, part in enumerate(parts)]
