"""Variables in a `.mat` of MATLAB 5 to 7.2: numbers, texts, cells and structures, and nothing that a file only claims.

scipy reads such files, too, but takes all memory for a cell of claimed sides, and ends the process where cells lie in
cells without end.
"""

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

HEADER = 128  # bytes
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}  # stored types
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
TEXTS = {1: "latin1", 2: "latin1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
MATRIX, COMPRESSED = 14, 15
CELL, STRUCTURE, OBJECT, TEXT = 1, 2, 3, 4
COMPLEX = 0x800
DEEPEST = 16  # matrices in matrices
MOST_UNPACKED = 4  # times a file's size, and no less than SMALL
SMALL = 1 << 26  # bytes


def read_variables(path: Path) -> dict[str, Any]:
    """Arrays, texts, lists of cells' contents, and dictionaries of structures (or lists of these), by name.

    What else there is becomes None. Raises ValueError for what is no such file, or would unpack to far more.
    """
    content = path.read_bytes()
    order = {b"IM": "<", b"MI": ">"}.get(content[HEADER - 2 : HEADER])
    if order is None:
        raise ValueError("its header has no order of bytes")
    left, found = max(SMALL, MOST_UNPACKED * len(content)), {}
    for kind, data in _elements(memoryview(content)[HEADER:], order):
        if kind == COMPRESSED:
            unpack = zlib.decompressobj()
            data = memoryview(unpack.decompress(data, left))
            left -= len(data)
            if unpack.unconsumed_tail:
                raise ValueError(f"it would unpack to more than {max(SMALL, MOST_UNPACKED * len(content))} bytes")
            ((kind, data),) = _elements(data, order)
        if kind == MATRIX:
            name, value = _matrix(data, order, 0)
            found[name] = value
    return found


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """The elements that follow one another: type and content. Raises ValueError where one is cut."""
    at = 0
    while at < len(data):
        if at + 8 > len(data):
            raise ValueError("it is cut short")
        kind, length = (int(each) for each in np.frombuffer(data[at : at + 8], f"{order}u4"))
        begin = at + 8
        if kind >> 16:  # up to four bytes lie in the tag
            kind, length, begin = kind & 0xFFFF, kind >> 16, at + 4
        if begin + length > len(data) or (begin == at + 4 and length > 4):
            raise ValueError(f"an element of {length} bytes where {len(data) - begin} are left")
        yield kind, data[begin : begin + length]
        end = at + 8 if begin == at + 4 else begin + length
        at = end if kind == COMPRESSED else end + -end % 8


def _matrix(data: memoryview, order: str, depth: int) -> tuple[str, Any]:
    """A matrix's name and value. Raises ValueError."""
    if depth > DEEPEST:
        raise ValueError(f"matrices in matrices, more than {DEEPEST} deep")
    if not len(data):
        return "", None
    parts = _elements(data, order)
    flags, dims, name = (_next(parts) for _ in range(3))
    said = int(np.frombuffer(flags[1][:4], f"{order}u4")[0])
    shape = [int(each) for each in np.frombuffer(dims[1], f"{order}i4")]
    kind, count, title = said & 0xFF, math.prod(shape), bytes(name[1]).decode("latin1")
    if min(shape, default=-1) < 0:
        raise ValueError(f"{title} has sides {shape[:8]}")
    if kind in CLASSES and not said & COMPLEX:
        return title, _array(_next(parts), CLASSES[kind], shape, order)
    if kind == TEXT:
        return title, _text(_next(parts), order)
    if kind == CELL:
        return title, _matrices(parts, count, order, depth)
    if kind == STRUCTURE:
        return title, _structures(parts, count, order, depth)
    return title, None


def _next(parts: Iterator[tuple[int, memoryview]]) -> tuple[int, memoryview]:
    found = next(parts, None)
    if found is None:
        raise ValueError("a matrix lacks its values")
    return found


def _array(part: tuple[int, memoryview], kind: str, shape: list[int], order: str) -> np.ndarray:
    """Numbers in their shape; small ones are stored in few bytes, whatever their class."""
    if part[0] not in NUMBERS:
        raise ValueError(f"numbers of the unknown type {part[0]}")
    values = np.frombuffer(part[1], order + NUMBERS[part[0]])
    if values.size != math.prod(shape):
        raise ValueError(f"{values.size} values in a shape of {'x'.join(map(str, shape[:8]))}")
    return values.astype(kind).reshape(shape, order="F")


def _text(part: tuple[int, memoryview], order: str) -> str:
    code = TEXTS.get(part[0], "latin1")
    ends = {"<": "-le", ">": "-be"}[order] if code in ("utf-16", "utf-32") else ""
    return bytes(part[1]).decode(code + ends, "replace")


def _matrices(parts: Iterator[tuple[int, memoryview]], count: int, order: str, depth: int) -> list[Any]:
    """As many matrices as are said to be there. Raises ValueError."""
    found = [_matrix(data, order, depth + 1)[1] for kind, data in parts if kind == MATRIX]
    if len(found) != count:
        raise ValueError(f"{len(found)} matrices where {count} are said to be")
    return found


def _structures(parts: Iterator[tuple[int, memoryview]], count: int, order: str, depth: int) -> Any:
    """A dictionary of a structure's fields; a list of them where there are several."""
    width = int(np.frombuffer(_next(parts)[1], f"{order}i4")[0])
    names = bytes(_next(parts)[1])
    if width < 1:
        raise ValueError(f"names of {width} characters")
    fields = [names[k : k + width].split(b"\0")[0].decode("latin1") for k in range(0, len(names), width)]
    values = _matrices(parts, count * len(fields), order, depth)
    found = [dict(zip(fields, values[k * len(fields) :], strict=False)) for k in range(count if fields else 0)]
    return found[0] if len(found) == 1 else found
