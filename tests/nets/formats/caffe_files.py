"""Caffe's files, written from the public field numbers of caffe.proto."""

from collections.abc import Iterable, Sequence

import numpy as np

OLD_NUMBERS = {"Convolution": 4, "InnerProduct": 14, "LRN": 15, "Pooling": 17, "ReLU": 18}


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def part(field: int, content: bytes, length: int | None = None) -> bytes:
    """A field of a length, which may lie."""
    return varint(field << 3 | 2) + varint(len(content) if length is None else length) + content


def blob(values: np.ndarray, old: bool = False, packed: bool = True, double: bool = False) -> bytes:
    """BlobProto: num, channels, height, width or a BlobShape, and data in one run or value by value."""
    sizes = (1,) * (4 - values.ndim) + values.shape
    shape = b"".join(number(k, size) for k, size in enumerate(sizes, 1))
    if not old:
        shape = part(7, part(1, b"".join(map(varint, values.shape))))
    field, kind = (8, "<f8") if double else (5, "<f4")
    data = values.astype(kind).tobytes()
    step = int(kind[-1])
    if packed:
        return shape + part(field, data)
    tag = varint(field << 3 | (1 if double else 5))
    return shape + b"".join(tag + data[k : k + step] for k in range(0, len(data), step))


def layer(name: str, kind: str, blobs: Iterable[bytes], old: bool) -> bytes:
    """A field of NetParameter: V1LayerParameter or LayerParameter."""
    held = b"".join(part(6 if old else 7, each) for each in blobs)
    if old:
        return part(2, part(4, name.encode()) + number(5, OLD_NUMBERS[kind]) + held)
    return part(100, part(1, name.encode()) + part(2, kind.encode()) + held)


def caffemodel(
    layers: Sequence[tuple[str, str, Sequence[np.ndarray]]],
    name: str = "net",
    old: bool = False,
    packed: bool = True,
    double: bool = False,
) -> bytes:
    """NetParameter of layers (name, kind, blobs)."""
    made = [
        layer(each, kind, [blob(values, old, packed, double) for values in blobs], old) for each, kind, blobs in layers
    ]
    return part(1, name.encode()) + b"".join(made)
