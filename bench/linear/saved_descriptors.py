"""Descriptors as files for other things: `.npz` for NumPy, `.parquet` for tables; one file a net."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import UserError
from bench.extras import needed
from bench.images.divided import DividedSet
from bench.linear.descriptors import Described
from bench.nets.model import Model
from protocols.methods import FEATURES
from results.atomic_files import write_atomically
from results.names import unicode_of

FORMS = ("npz", "parquet")
FOLDER = "features"


def check_forms(forms: Sequence[str]) -> None:
    """Before hours of work. Raises UserError for a form that there is not, or whose library is missing."""
    for each in forms:
        if each not in FORMS:
            raise UserError(f"--save-features '{each}': give {' or '.join(FORMS)}, or both with a comma between")
    if len(set(forms)) < len(forms):
        raise UserError(f"--save-features '{','.join(forms)}': each once")
    if "parquet" in forms:
        needed("pyarrow.parquet", "parquet")


def save_descriptors(folder: Path, forms: Sequence[str], models: Sequence[Model], found: Described) -> list[Path]:
    """Write `features/<net>.npz` and `.parquet`, and return where these are. Raises OSError.

    Vectors are as the net gave them, before their length is made 1; those of several looks are of length 1, stacked.
    """
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    written = []
    for net, name in enumerate(_file_names([model.name for model in models])):
        vectors = {f"{FEATURES}@{Q}": own for (of, Q), own in found.vectors.items() if of == net}
        for form in forms:
            path = place / f"{name}.{form}"
            write_atomically(path, (_npz if form == "npz" else _parquet)(found.divided, vectors))
            written.append(path)
    return written


def _npz(divided: DividedSet, vectors: dict[str, np.ndarray]) -> memoryview:
    """`ids`, `part`, `classes`, `features@Q` (N, D) float32; `labels` (N,), or `present` and `difficult` (N, K)."""
    present, difficult = _answers(divided)
    arrays = {
        "ids": np.array(_ids(divided), np.str_),
        "part": np.array(_parts(divided), np.str_),
        "classes": np.array(_classes(divided), np.str_),
        **({"present": present, "difficult": difficult} if divided.multi else {"labels": present.argmax(1)}),
        **vectors,
    }
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getbuffer()


def _parquet(divided: DividedSet, vectors: dict[str, np.ndarray]) -> memoryview:
    """A row an image: `id`, `part`, `label` (or lists, `labels` and `difficult`) by name, `features@Q` as lists."""
    arrow, parquet = needed("pyarrow", "parquet"), needed("pyarrow.parquet", "parquet")
    present, difficult = _answers(divided)
    classes = _classes(divided)
    labels: dict[str, Any] = {"label": [classes[k] for k in present.argmax(1)]}
    if divided.multi:
        texts = arrow.list_(arrow.string())  # also where all lists are empty
        named = {"labels": present, "difficult": difficult}
        labels = {name: arrow.array(_names(classes, flags), texts) for name, flags in named.items()}
    columns = {"id": _ids(divided), "part": _parts(divided), **labels}
    for name, own in vectors.items():
        columns[name] = arrow.FixedSizeListArray.from_arrays(arrow.array(own.ravel()), own.shape[1])
    content = io.BytesIO()
    parquet.write_table(arrow.table(columns), content)
    return content.getbuffer()


def _ids(divided: DividedSet) -> list[str]:
    return [unicode_of(name) for part in divided.parts for name in part.ids]


def _classes(divided: DividedSet) -> list[str]:
    return list(map(unicode_of, divided.classes))


def _parts(divided: DividedSet) -> list[str]:
    return [part.name for part in divided.parts for _ in part.ids]


def _answers(divided: DividedSet) -> tuple[np.ndarray, np.ndarray]:
    """Which classes each example has, and which count neither for nor against it: (N, K) bool each."""
    present, difficult = zip(*((part.present, part.difficult) for part in divided.parts), strict=True)
    return np.concatenate(present), np.concatenate(difficult)


def _names(classes: Sequence[str], flags: np.ndarray) -> list[list[str]]:
    return [[classes[k] for k in row.nonzero()[0]] for row in flags]


def _file_names(names: Sequence[str]) -> list[str]:
    """Nets' names without what paths obey, the second of two alike with its number."""
    plain = [re.sub(r"[^\w.-]+", "-", name).strip("-.") or "net" for name in names]
    return [name if name not in plain[:k] else f"{name}-{k + 1}" for k, name in enumerate(plain)]
