"""What the columns of a hub's table say of its images: labels, names, and which images have no label."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.errors import UserError
from bench.extras import needed
from bench.images.containers.arrow_rows import inner
from bench.images.containers.parquet_rows import EMPTY
from bench.images.dataset import Images
from bench.images.decoding import UndecodableError, reading
from bench.images.image_source import EnclosedImage, Encoded
from bench.images.sets.hub_columns import Columns

MOST = 10**9  # labels, as in lists
MOST_BYTES = 1 << 28  # of a file's labels and names
UNLABELLED = -1  # what hubs write where the answers of a test are kept back


class Told(NamedTuple):
    """Of each row: its label, a number or a text, None where it has none; and its image's name or None."""

    labels: list[Any]
    paths: list[str | None]


def told_of(columns: Columns, batches: Iterable[Any], where: str) -> Told:
    """From arrow's record batches of these columns. Raises UserError for what is no label, or too much."""
    labels: list[Any] = []
    paths: list[Any] = []
    held = 0
    for batch in batches:
        labels.append(_plain(batch.column(columns.label)))
        if columns.path:
            paths.append(inner(batch, columns.path))
        held += labels[-1].nbytes + (paths[-1].nbytes if columns.path else 0)
        if held > MOST_BYTES:
            raise UserError(f"data {where!r}: its labels and names take more than {MOST_BYTES:,} bytes; write it anew")
    found = _texts(labels, where, strict=True) if columns.text else _numbers(labels, columns, where)
    return Told(found, _texts(paths, where) if columns.path else [None] * len(found))


def _plain(array: Any) -> Any:
    """Without a dictionary, which each batch may have another of."""
    return array.dictionary_decode() if hasattr(array, "dictionary") else array


def _numbers(arrays: Sequence[Any], columns: Columns, where: str) -> list[int | None]:
    most = len(columns.classes) if columns.classes else MOST
    found = [None if label == UNLABELLED else label for array in arrays for label in array.to_pylist()]
    for row, label in enumerate(found):
        if label is not None and not 0 <= label < most:
            allowed = f"0 to {most - 1}, since it names {most} classes" if columns.classes else "numbers from 0"
            raise UserError(f"data {where!r}: row {row} has label {label}; give {allowed}, or -1 where there is none")
    return found


def _texts(arrays: Sequence[Any], where: str, strict: bool = False) -> list[Any]:
    """The arrays' texts, each kept once however often it occurs. Raises UserError for what is none if `strict`."""
    if not arrays:
        return []
    found = needed("pyarrow", "parquet").concat_arrays(arrays).dictionary_encode()
    texts = [_text(text, where, strict) for text in found.dictionary.cast("binary").to_pylist()]
    return [None if index is None else texts[index] for index in found.indices.to_pylist()]


def _text(content: bytes | None, where: str, strict: bool) -> str | None:
    if content is None:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        if strict:
            raise UserError(f"data {where!r}: label {content[:30]!r} is no text in UTF-8; write it anew") from None
        return content.decode(errors="backslashreplace")
    if strict and not text:
        raise UserError(f"data {where!r}: a label is the empty text; give it a name, or null where there is none")
    return text


def assembled(
    name: str, columns: Columns, told: Told, sources: Sequence[Encoded], places: Sequence[str], notes: tuple[str, ...]
) -> Images:
    """The set of all rows that have a label, with the images' names as ids where each has another, else their `places`.

    Raises UserError where no row has a label, or none has an image.
    """
    kept = _labelled(told, name)
    left = len(sources) - len(kept)
    if left:
        notes += (f"left out {left} of {len(sources)} images that have no label",)
    labels, classes = _numbered([told.labels[row] for row in kept], columns)
    names = [path for path in map(told.paths.__getitem__, kept) if path]
    images = Images(
        name,
        tuple(sources[row] for row in kept),
        tuple(names) if len(set(names)) == len(kept) else tuple(places[row] for row in kept),
        labels,
        classes,
        len(kept),
        notes=(*notes, *columns.notes),
    )
    _require_bytes(images)
    return images


def _labelled(told: Told, name: str) -> list[int]:
    """Which rows have a label. Raises UserError where none has."""
    if not told.labels:
        raise UserError(f"data {name!r}: it has no rows; give a part that has images")
    kept = [row for row, label in enumerate(told.labels) if label is not None]
    if not kept:
        raise UserError(
            f"data {name!r}: none of its {len(told.labels)} images has a label, as in tests whose answers are kept "
            "back; give another part"
        )
    return kept


def _numbered(labels: Sequence[Any], columns: Columns) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Labels as indices, int64 (N,), and the classes that they count in: those of text are sorted."""
    if not columns.text:
        return np.array(labels, dtype=np.int64), columns.classes
    classes = tuple(sorted(set(labels)))
    index = {name: number for number, name in enumerate(classes)}
    return np.array([index[label] for label in labels], dtype=np.int64), classes


def _require_bytes(images: Images) -> None:
    """Raise UserError where the first, middle and last row hold no bytes: then none is likely to."""
    for source in (images.sources[0], images.sources[len(images) // 2], images.sources[-1]):
        try:
            if isinstance(source, EnclosedImage):
                with reading(source):
                    source.content()
            return
        except UndecodableError as error:
            if str(error) != EMPTY:
                return
    raise UserError(
        f"data {images.name!r}: its rows hold names of images and not their bytes; write it anew with the bytes in it, "
        "or give list:FILE"
    )
