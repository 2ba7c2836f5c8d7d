"""What a kind of sets is: how such sets are read, and what is said of them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.images.data_spec import DataSpec
from bench.images.dataset import Images
from bench.images.sets.lists import Columns

HUB = ":NAME[/CONFIG][:SPLIT]"


def path_of(argument: str) -> Path:
    """Absolute, with a name even for `.`; the shell does not expand a `~` behind a colon."""
    return Path(os.path.abspath(os.path.expanduser(argument)))


def own_spelling(argument: str) -> str:
    return str(path_of(argument))


class Kind(NamedTuple):
    """How sets of a kind are read, `read(spec, part)`; how the argument is written behind it, and a line about it.

    `read_all(spec)` is what `--split` makes parts of, None where the set has parts of its own; `parts` are the names of
    those that a set has which may have none. `beside(argument)` is another set, opened first and given to `read`;
    `spelled(argument)` is the argument as it is the same from any working folder; `evaluation_only` says why no net is
    trained on such a set, None where one may be. `read_to_learn` is `read_all` for learning from, where that takes a
    class more. `several(argument)` names the parts of a set with several labels an image, which `read` takes;
    `read_unlabelled` are its test images where their labels are kept back.
    """

    read: Callable[..., Images]
    argument: str
    about: str
    read_all: Callable[[DataSpec], Images] | None = None
    parts: Callable[[str, Columns], Sequence[str]] | None = None
    beside: Callable[[str], str] | None = None
    spelled: Callable[[str], str] = own_spelling
    evaluation_only: str | None = None
    read_to_learn: Callable[[DataSpec], Images] | None = None
    several: Callable[[str], Sequence[str]] | None = None
    read_unlabelled: Callable[[DataSpec], Images] | None = None

    @property
    def fetched(self) -> bool:
        """Whether such a set may have to be downloaded, unpacked or rendered before it can be opened."""
        return not self.argument.startswith(":") or self.argument == HUB


def at(read: Callable[..., Images]) -> Callable[..., Images]:
    """A reader of a path, for an argument as it was typed."""
    return lambda spec, *part: read(path_of(spec.argument), *part, duplicates=spec.allow_duplicates)
