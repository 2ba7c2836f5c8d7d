"""Names of classes line by line: names alone, or behind their numbers or WordNet ids, as ImageNet's are handed out."""

import re

from bench.images.labels.imagenet_names import in_imagenets_order, wnids

NUMBERED = re.compile(r"([0-9]{1,9})(?: *[,;:\t] *| +)(.+)")
APART = re.compile(r"[0-9]{1,9} *[,;:\t]")  # a number that is no part of a name, such as "7 up"
BEHIND = re.compile(r".*[,;:\t]\s*[0-9]+")
WITH_ID = re.compile(r"(n[0-9]{8})[ ,;:\t]+(.+)")


def names_of_lines(text: str) -> list[str]:
    """The names in their order. Raises ValueError for lines of which some have another form."""
    lines = [line.strip() for line in text.rstrip().splitlines()]
    if "" in lines:
        raise ValueError(f"line {lines.index('') + 1} is empty")
    if len(lines) > 1 and all(map(BEHIND.fullmatch, lines)):
        raise ValueError(f"its lines have numbers behind names, such as {lines[0][:40]!r}")
    numbers, names = _numbers(lines)
    names = _without_ids(names)
    refuse_twins(names, "on line ", 1)
    return names if numbers is None else [name for _, name in sorted(zip(numbers, names, strict=True))]


def _numbers(lines: list[str]) -> tuple[list[int] | None, list[str]]:
    """The numbers that lines begin with, None where they have none, and what is behind."""
    found = [NUMBERED.fullmatch(line) for line in lines]
    apart = any(map(APART.match, lines))
    if apart and None in found:
        raise ValueError(f"line {found.index(None) + 1} is {lines[found.index(None)]!r}, others begin with a number")
    pairs = [(int(match[1]), match[2].strip()) for match in found if match]
    numbers = [number for number, _ in pairs]
    if len(pairs) < len(lines) or (not apart and len(set(numbers)) < len(numbers)):
        return None, lines
    if sorted(numbers) != list(range(len(lines))):
        raise ValueError(f"its numbers are not 0 to {len(lines) - 1}, each once")
    return numbers, [name[1:-1] if len(name) > 2 and name[0] == name[-1] == '"' else name for _, name in pairs]


def _without_ids(lines: list[str]) -> list[str]:
    """Of WordNet ids with words the ids, where these are ImageNet's; else the words."""
    found = [WITH_ID.fullmatch(line) for line in lines]
    matches = [match for match in found if match]
    if not matches:
        return lines
    if None in found:
        at = found.index(None)
        raise ValueError(f"line {at + 1} is {lines[at]!r}, others begin with a WordNet id and words")
    for at, match in enumerate(matches, 1):
        if match[2][0].isdigit():
            raise ValueError(f"line {at} is {match[0]!r}: a number behind the id may say another order")
    ids = [match[1] for match in matches]
    return ids if set(ids) <= set(wnids()) else [match[2] for match in matches]


def refuse_twins(names: list[str], place: str, start: int) -> None:
    """Raise ValueError for a name that stands twice, whose places are counted from `start`."""
    if in_imagenets_order(names):  # which is handed out with two cranes and two maillots
        return
    first: dict[str, int] = {}
    for at, name in enumerate(names, start):
        if first.setdefault(name, at) != at:
            raise ValueError(f"{name!r} is named twice, {place}{first[name]} and {place}{at}")
