"""Which parquet files are a part of a set: by their names, as hubs write them (`test-00000-of-00003.parquet`)."""

import glob
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.errors import UserError
from bench.images.containers.finder import foreign
from bench.images.containers.layout import named_training
from bench.images.containers.part_names import SEEN, TRAINING, choice, in_order, natural, word_of

ENDINGS = (".parquet", ".pq")
SHARD = re.compile(r"(.+?)[-_.]([0-9]{1,9})-of-([0-9]{1,9})(?:-[0-9a-f]{16})?")
COUNTED = re.compile(r"[ _.-]?[0-9]+$")


class Shard(NamedTuple):
    """A file: its part's name, that part's word (`train`, None where its name is no part's), its configuration's
    folder, its number and how many there are, where its name says so."""

    file: Path
    part: str
    word: str | None
    config: str
    number: int | None
    of: int | None


class Part(NamedTuple):
    """The files of a part, in the order of their numbers, what the set is called, and what is to be said of them."""

    name: str
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def part_of(given: Path, split: str) -> Part:
    """The files of the split `train` or `val` in a folder, or of a pattern or file that was given.

    Where a pattern or file is of one part, it is that part that is meant. Raises UserError and OSError.
    """
    shards = _shards_in(given)
    if not shards:
        raise UserError(
            f"data {str(given)!r}: no parquet files there; give their folder, or a pattern such as DIR/*.parquet"
        )
    if not _parts(shards):
        return _whole(given, shards, split)
    if not given.is_dir() and len({shard.part for shard in shards}) == 1:
        return _whole(given, shards, split)
    fit = in_order({shard.part: shard.word for shard in shards}, split)
    if not fit:
        raise UserError(
            f"data {str(given)!r}: it has {_named(_parts(shards))} and no part for "
            f"{'training' if split == 'train' else 'evaluation'}; give the files to be read, such as "
            f"parquet:{shards[0].file.parent / shards[0].part}-*.parquet"
        )
    word = next(shard.word for shard in shards if shard.part == fit[0])
    taken = [shard for shard in shards if shard.word == word]
    _require_one(given, taken)
    part = taken[0].part
    name = f"parquet:{given.name}" + f"/{part}" * (part != split)
    return Part(name, _in_order(given, taken), _notes(shards, taken, fit[1:], split))


def parts_within(given: Path) -> list[str]:
    """The names of the parts in a folder, or of what was given; none where all of it is one. Raises OSError."""
    shards = _shards_in(given)
    several = given.is_dir() or len({shard.part for shard in shards}) > 1
    return _parts(shards) if several else []


def _notes(shards: Sequence[Shard], taken: Sequence[Shard], others: Sequence[str], split: str) -> tuple[str, ...]:
    part = taken[0].part
    if split == "train":
        return () if part == "train" else (f"{part} is taken for training",)
    lacking = None if taken[0].word in ("val", "validation") else "validation files"
    notes = choice(part, others, "its files' pattern", lacking)
    if aside := [f"{shard.file.parent.name}/{shard.file.name}" for shard in shards if shard.word is None]:
        notes += (f"beside the parts stand {_named(aside)}, not read",)
    return notes


def _whole(given: Path, shards: Sequence[Shard], split: str) -> Part:
    """All files are one set, of no part, or of the one that was asked for by its files' names."""
    if split == "train":
        raise UserError(
            f"data {str(given)!r}: no files there for training beside those for evaluation, named as parts, such as "
            "train-00000-of-00001.parquet; give the folder of both, or --split 0.2 to make parts"
        )
    _require_one(given, shards)
    notes = named_training(given if given.is_dir() else shards[0].file.parent)
    if shards[0].word in TRAINING:
        notes = (f"the files are named {shards[0].part!r}: a net trained on their images {SEEN}",)
    if (shards[0].of or 0) > len(shards):
        notes = (f"{len(shards)} of {shards[0].of} files named {shards[0].part!r} are read", *notes)
    name = given.name if given.is_dir() or given.is_file() else f"{given.parent.name}/{given.name}"
    return Part(f"parquet:{name}", _in_order(given, shards), notes)


def _require_one(given: Path, shards: Sequence[Shard]) -> None:
    """Raise UserError where files are of several configurations or parts."""
    configs = sorted({shard.config for shard in shards})
    if len(configs) > 1:
        raise UserError(
            f"data {str(given)!r}: {len(configs)} folders hold such files, {_named(configs)}; give one, such as "
            f"parquet:{given / configs[0] if given.is_dir() else shards[0].file.parent}"
        )
    parts = sorted({shard.part for shard in shards})
    if len(parts) > 1 and any(shard.of or shard.word for shard in shards):
        raise UserError(
            f"data {str(given)!r}: files are named {_named(parts)}; give those to be read by a pattern, such as "
            f"parquet:{shards[0].file.parent / shards[0].part}-*.parquet"
        )


def _in_order(given: Path, shards: Sequence[Shard]) -> tuple[Path, ...]:
    """Raises UserError for shards that are missing in a folder, or there twice."""
    files = tuple(shard.file for shard in sorted(shards, key=lambda shard: natural(shard.file.name)))
    twins = {os.path.realpath(file): file for file in files}
    if len(twins) < len(files):
        twin = next(file for file in files if twins[os.path.realpath(file)] != file)
        raise UserError(
            f"data {str(given)!r}: {twin.name!r} and {twins[os.path.realpath(twin)].name!r} are one file, by a link; "
            "remove the link"
        )
    count = shards[0].of
    if count is None:
        return files
    numbers = sorted(shard.number or 0 for shard in shards)
    if {shard.of for shard in shards} != {count} or len(set(numbers)) < len(numbers) or numbers[-1] >= count:
        raise UserError(
            f"data {str(given)!r}: the files named {shards[0].part!r} are of several sets, such as {files[0].name!r} "
            f"and {files[-1].name!r}; give those of one"
        )
    if len(numbers) < count and given.is_dir():
        lacking = next(number for number in range(count) if number not in set(numbers))
        raise UserError(
            f"data {str(given)!r}: {count - len(numbers)} of {count} files named {shards[0].part!r} are missing, first "
            f"number {lacking:05d}; copy them, or give those that are there, such as "
            f"parquet:{shards[0].file.parent / shards[0].part}-*.parquet"
        )
    return files


def _shards_in(given: Path) -> list[Shard]:
    if given.is_dir():
        found = [Path(place, name) for place, names in _walk(given) for name in names if _is_parquet(name)]
    else:
        found = [given] if given.exists() else [Path(name) for name in sorted(glob.glob(str(given), recursive=True))]
        found = [file for file in found if not foreign(file.name) and not file.is_dir()]
    return [_shard(file, given if given.is_dir() else None) for file in found]


def _walk(folder: Path) -> Iterable[tuple[str, list[str]]]:
    def fail(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not foreign(name))
        yield place, sorted(name for name in names if not foreign(name))


def _is_parquet(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def _shard(file: Path, root: Path | None) -> Shard:
    """What a file's name says, and else the folders below `root` that it is in, or the one above it without a root."""
    match = SHARD.fullmatch(file.stem)
    part = match[1] if match else COUNTED.sub("", file.stem) or file.stem
    number, of = (int(match[2]), int(match[3])) if match else (None, None)
    folders = list(file.parent.relative_to(root).parts) if root else [file.parent.name]
    word = word_of(part)
    if word is None and not match:
        named = next((name for name in reversed(folders) if word_of(name)), None)
        if named is not None:
            part, word = named, word_of(named)
            folders.remove(named)
    return Shard(file, part, word, "/".join(folders) if root else str(file.parent), number, of)


def _parts(shards: Iterable[Shard]) -> list[str]:
    return sorted({shard.part for shard in shards if shard.word})


def _named(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + ", ..." * (len(names) > 5)
