"""Which tars a pattern names, in which order: `train-{0000..0063}.tar`, `val-*.tar`, `{a,b}.tar`."""

import glob
import os
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from bench.errors import UserError
from bench.images.containers.part_names import DIGITS, natural

BRACES = re.compile(r"\{([^{}]*)\}")
RANGE = re.compile(r"([0-9]{1,9})\.\.([0-9]{1,9})")
WITHIN = re.compile(r"(.*?\.tar)/(.+)", re.DOTALL)  # a folder in a tar
MOST_SHARDS = 100_000
SHOWN = 3


def shards(pattern: str) -> tuple[list[Path], tuple[str, ...]]:
    """The files of a pattern in their order, that of braces or of numbers in names, and what is to be said of them.

    Raises UserError for a file that is not there, and one that is there twice.
    """
    if os.path.exists(pattern):
        return [Path(pattern)], ()
    found: list[str] = []
    for word in _expanded(pattern):
        if os.path.exists(word):
            found.append(word)
        elif not glob.has_magic(word):
            raise UserError(f"data {pattern!r}: there is no {word!r}; fetch it, or leave it out of the pattern")
        elif matches := sorted(glob.glob(word), key=natural):
            found += matches
        else:
            raise UserError(f"data {pattern!r}: no file matches {word!r}; give one that is there")
        if len(found) > MOST_SHARDS:
            raise UserError(f"data {pattern!r}: it names more than {MOST_SHARDS:,} files; give fewer")
    _refuse_again(pattern, found)
    ends = f"{os.path.basename(found[0])} to {os.path.basename(found[-1])}"
    order = (f"{len(found)} tars, in the order {ends}",) if len(found) > 1 else ()
    return [Path(file) for file in found], order + _missing(found)


def split_inside(argument: str) -> tuple[str, str]:
    """The pattern of tars, and the folder in them that an argument such as `x.tar/train` names, else nothing."""
    match = WITHIN.fullmatch(argument)
    return (match[1], match[2].strip("/")) if match and not os.path.isdir(match[1]) else (argument, "")


def _expanded(pattern: str) -> list[str]:
    """The words of a pattern's braces, in the order of the braces. Raises UserError."""
    words = [""]
    place = 0
    for match in BRACES.finditer(pattern):
        choices = _choices(match[1]) or [match[0]]
        before = pattern[place : match.start()]
        if len(words) * len(choices) > MOST_SHARDS:
            raise UserError(f"data {pattern!r}: it names more than {MOST_SHARDS:,} files; give fewer")
        words = [f"{word}{before}{choice}" for word in words for choice in choices]
        place = match.end()
    return [word + pattern[place:] for word in words]


def _choices(inside: str) -> list[str]:
    """What a pair of braces stands for, with as many digits as its numbers are written with; nothing if no choice."""
    if match := RANGE.fullmatch(inside):
        first, last = int(match[1]), int(match[2])
        if abs(last - first) >= MOST_SHARDS:
            return [inside] * (MOST_SHARDS + 1)
        padded = any(number.startswith("0") and len(number) > 1 for number in match.groups())
        digits = max(map(len, match.groups())) if padded else 0
        step = 1 if last >= first else -1
        return [f"{number:0{digits}d}" for number in range(first, last + step, step)]
    return inside.split(",") if "," in inside else []


def _refuse_again(pattern: str, files: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for file in files:
        other = seen.setdefault(os.path.realpath(file), file)
        if other is not file:
            raise UserError(f"data {pattern!r}: {file!r} is there twice, its images would count twice; name each once")


def _missing(files: Sequence[str]) -> tuple[str, ...]:
    """What to say of numbers left out in the names of files that differ by one number alone, as `3-of-64` do."""
    parts = [DIGITS.split(os.path.basename(file)) for file in files]
    if len({len(each) for each in parts}) > 1:
        return ()
    places = [place for place in range(1, len(parts[0]), 2) if _is_of(parts[0], place)]
    varying = [place for place, column in enumerate(zip(*parts, strict=True)) if len(set(column)) > 1] or places
    if len(varying) != 1 or not (place := varying[0]) % 2:
        return ()
    numbers = sorted({int(each[place]) for each in parts})
    first, last = numbers[0], numbers[-1]
    lengths = {len(each[place]) for each in parts}
    if _is_of(parts[0], place):
        lengths.add(len(parts[0][place + 2]))
        total = int(parts[0][place + 2])
        first, last = (1, total) if last == total else (0, total - 1)
    count = last - first + 1 - len(numbers)
    if count <= 0:
        return ()
    there, digits = set(numbers), lengths.pop() if len(lengths) == 1 else 0  # of several, none is padded
    left = [f"{number:0{digits}d}" for number in islice((n for n in range(first, last + 1) if n not in there), SHOWN)]
    return (f"{count} of the tars' numbers are missing: {', '.join(left)}{', ...' * (count > SHOWN)}",)


def _is_of(parts: Sequence[str], place: int) -> bool:
    """Whether the number at a place is one of so many, as in `train-00003-of-00064.tar`."""
    return parts[place + 1].strip("-_.").casefold() == "of" and place + 2 < len(parts)
