"""Sets of the Hugging Face hub, by the datasets library: out of its cache, or downloaded into it."""

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.errors import UserError
from bench.extras import needed
from bench.images.containers.arrow_rows import ArrowRow, inner, read_arrow
from bench.images.containers.part_names import SEEN, choice, in_order, is_training, word_of
from bench.images.dataset import Images
from bench.images.decoding import UndecodableError, guarded
from bench.images.image_source import Encoded, Stamp
from bench.images.sets.hub_columns import Columns, Wanted, columns_of
from bench.images.sets.table_labels import assembled, told_of
from bench.progress import downloading

FORM = "give hf:NAME[/CONFIG][:SPLIT], such as hf:org/name, hf:org/name/config:test or hf:./folder"
LOCAL = ("/", "./", "../", "~")  # what a folder's path begins with
SPLIT = re.compile(r"\w+(\.\w+)*")
ASKED = "; accept its terms on its page on the hub, and give your token by `hf auth login`"


class Named(NamedTuple):
    """What stands behind `hf:`: a name on the hub, or a folder's path; its configuration and its split, None where
    nobody says them."""

    name: str
    config: str | None
    split: str | None

    def __str__(self) -> str:
        return "/".join(filter(None, (self.name, self.config))) + f":{self.split}" * (self.split is not None)


def parse_hub(argument: str) -> Named:
    """Raises UserError for what is no such name."""
    name, colon, split = argument.partition(":")
    if colon and not SPLIT.fullmatch(split):
        raise UserError(f"data {f'hf:{argument}'!r}: {split!r} is no split; {FORM}")
    if name.startswith(LOCAL) or name in (".", ".."):
        return Named(os.path.abspath(os.path.expanduser(name)), None, split or None)
    words = name.split("/")
    if len(words) > 3 or not all(words):
        raise UserError(f"data {f'hf:{argument}'!r}: {name!r} is no name on the hub; {FORM}")
    if os.path.exists("/".join(words[:2])):
        raise UserError(
            f"data {f'hf:{argument}'!r}: a folder of this name is here; give hf:./{name} for it, or go away"
        )
    return Named("/".join(words[:2]), words[2] if len(words) == 3 else None, split or None)


def read_hub(argument: str, split: str, wanted: Wanted = None) -> Images:
    """The rows of the split `train` or `val`, validation before test, or of the one that is named for evaluation.

    An image's id is its name in the set where each has another, else `SPLIT#ROW`. Rows without a label are left out.
    Raises UserError and OSError.
    """
    named = parse_hub(argument)
    if named.split and split == "train":
        raise UserError(
            f"data {f'hf:{argument}'!r}: it is one split; leave {f':{named.split}'!r} out, or --split 0.2 makes parts"
        )
    found = _loaded(named)
    taken, notes = (named.split, ()) if named.split else _chosen(found, named, split)
    if taken not in found:
        raise UserError(f"data {f'hf:{argument}'!r}: there is no split {taken!r}; it has {', '.join(found)}")
    if split == "val" and is_training(taken):
        notes = (f"the split is named {taken!r}: a net trained on its images {SEEN}",)
    return _read(found[taken], named, taken, notes, wanted)


def read_whole_hub(argument: str, wanted: Wanted = None) -> Images:
    """The split that is named, of which `--split` makes parts. Raises UserError and OSError."""
    if parse_hub(argument).split is None:
        raise UserError(
            f"data {f'hf:{argument}'!r}: name the split that parts are made of, such as hf:{argument}:train"
        )
    return read_hub(argument, "val", wanted)


def _loaded(named: Named) -> Mapping[str, Any]:
    """The set's splits by name. Raises UserError for whatever keeps them from being read, and OSError of the disk."""
    datasets = needed("datasets", "hf")
    try:
        with downloading(), _in_silence():
            return dict(datasets.load_dataset(named.name, named.config))
    except Exception as error:  # the library, the hub's client or the network may raise anything
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _unloaded(named, error) from None


def _unloaded(named: Named, error: Exception) -> UserError:
    cause = error.__cause__ if type(error).__name__ == "DatasetGenerationError" and error.__cause__ else error
    why = " ".join(str(cause).split())[:200].rstrip(" .")
    folded = why.casefold()
    if "gated" in folded or "authenticat" in folded or "401" in folded or "403" in folded:
        remedy = ASKED
    elif isinstance(error, ConnectionError) or "offline" in folded or "connect" in folded:
        remedy = "; it is not in the cache and the hub cannot be reached: connect, or give parquet:DIR"
    else:
        remedy = f"; {FORM}"
    return UserError(f"data {f'hf:{named}'!r} cannot be loaded ({why}){remedy}")


@contextmanager
def _in_silence() -> Iterator[None]:
    """What the libraries would log of a failure is said in the error's one line."""
    logs = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def _chosen(found: Mapping[str, Any], named: Named, split: str) -> tuple[str, tuple[str, ...]]:
    """The split for training or evaluation, and what is to be said of the choice. Raises UserError."""
    fit = in_order({name: word_of(name) for name in found}, split)
    if not fit:
        raise UserError(
            f"data {f'hf:{named}'!r}: it has {', '.join(found)} and no split for "
            f"{'training' if split == 'train' else 'evaluation'}; name one, such as hf:{named}:{next(iter(found))}"
        )
    taken, *others = fit
    if split == "train":
        return taken, ()
    lacking = None if word_of(taken) in ("val", "validation") else "a validation split"
    return taken, choice(taken, others, f"hf:{named}:{others[0]}" if others else "", lacking)


def _read(table: Any, named: Named, split: str, notes: tuple[str, ...], wanted: Wanted) -> Images:
    name = f"hf:{named._replace(name=_short(named), split=split)}"
    columns = columns_of(table.features.arrow_schema, name, wanted)
    files = [Path(each["filename"]) for each in table.cache_files]
    stamps = {file: Stamp.of(os.stat(file)) for file in files}
    try:
        with guarded():
            batches = [(file, batch) for file in files for batch in enumerate(read_arrow(file).to_batches())]
            told = told_of(columns, (batch for _, (_, batch) in batches), name)
            rows = (_sources(file, stamps[file], number, batch, columns) for file, (number, batch) in batches)
            sources = [source for batch in rows for source in batch]
    except (UndecodableError, MemoryError) as error:
        raise UserError(
            f"data {name!r}: its files in {str(files[0].parent)!r} are broken ({error}); remove them"
        ) from None
    if len(sources) != len(table):
        raise UserError(f"data {name!r}: it has {len(table)} images, but its cache {len(sources)}; remove {files}")
    notes += (f"revision {files[0].parent.name} of {named.name}",) if files else ()
    if any(isinstance(source, Path) for source in sources):  # their names are where they lie on this machine
        told = told._replace(paths=[None] * len(sources))
    return assembled(name, columns, told, sources, [f"{split}#{row}" for row in range(len(sources))], notes)


def _short(named: Named) -> str:
    return os.path.basename(named.name) if named.name.startswith("/") else named.name


def _sources(file: Path, stamp: Stamp, number: int, batch: Any, columns: Columns) -> Sequence[Encoded]:
    """A batch's images: their bytes, or the files that stand for them where there are none."""
    rows: list[Encoded] = [
        ArrowRow(file, f"#{number}:{row}", stamp, columns.image, number, row) for row in range(batch.num_rows)
    ]
    if columns.path is None:
        return rows
    lacking = inner(batch, columns.image).is_null().to_pylist()
    paths = inner(batch, columns.path).to_pylist() if any(lacking) else [None] * len(rows)
    return [Path(path) if none and path else row for row, none, path in zip(rows, lacking, paths, strict=True)]
