"""Which row of one table is compared with which of the other, and in what their signatures differ."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import product

from results.written_tables import ROW_NAMES, WrittenRow

Pair = tuple[WrittenRow | None, WrittenRow | None]  # of BASELINE and of NEW


def paired_rows(olds: Mapping[str, WrittenRow], news: Mapping[str, WrittenRow]) -> list[Pair]:
    """Rows of one signature; of the others those of the same names, the closest first; the rest alone."""
    partners = {line: line for line in olds if line in news}  # signatures in BASELINE and in NEW
    old_rest = [row for line, row in olds.items() if line not in partners]
    new_rest = [row for line, row in news.items() if line not in partners]
    partners |= _closest(old_rest, new_rest)
    taken = set(partners.values())
    pairs: list[Pair] = [(row, news[partners[line]] if line in partners else None) for line, row in olds.items()]
    return [*pairs, *((None, row) for line, row in news.items() if line not in taken)]


def same_counts(old: WrittenRow, new: WrittenRow) -> bool:
    """Whether both measured the same, and the same came out."""
    return old.signature == new.signature and old.counts == new.counts


def differing_fields(old: WrittenRow, new: WrittenRow) -> list[str]:
    """The fields in which two signatures differ."""
    was, now = (dict(word.partition("=")[::2] for word in row.signature.split()) for row in (old, new))
    steps = [(key, was.get(key, "–"), now.get(key, "–")) for key in {**was, **now}]
    return [f"{key}: {before} -> {after}" for key, before, after in steps if before != after]


def measured(row: WrittenRow, without: Collection[str] = ()) -> str:
    """What a row says that it measured: its signature, without some of its fields."""
    if not without:
        return row.signature
    return " ".join(word for word in row.signature.split() if word.partition("=")[0] not in without)


def _closest(olds: Sequence[WrittenRow], news: Sequence[WrittenRow]) -> dict[str, str]:
    """By signature: to each old row the new one of the same names that differs in the fewest fields, each once."""
    alike = [(old, new) for old, new in product(olds, news) if all(old[name] == new[name] for name in ROW_NAMES)]
    partners: dict[str, str] = {}
    taken: set[str] = set()
    for old, new in sorted(alike, key=lambda pair: _distance(*pair)):
        if old.signature not in partners and new.signature not in taken:
            partners[old.signature] = new.signature
            taken.add(new.signature)
    return partners


def _distance(old: WrittenRow, new: WrittenRow) -> int:
    """How many fields differ."""
    was, now = _words(old.signature), _words(new.signature)
    return len({key for key, _ in was ^ now})


@cache
def _words(signature: str) -> frozenset[tuple[str, str]]:
    return frozenset((key, value) for key, _, value in (word.partition("=") for word in signature.split()))
