"""Labels of ImageNet's validation images one a line, the line's number the image's: as its devkit has them."""

import bz2
import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from bench.errors import UserError
from bench.images.containers.finder import foreign
from bench.images.containers.layout import DEVKIT
from bench.images.labels.known_images import KNOWN, Order, orders, published
from bench.images.labels.relabellings import devkit
from bench.images.sets.list_lines import LABEL, Entry

GROUND_TRUTH = re.compile(r"ILSVRC20[0-9]{2}_(clsloc_)?validation_ground_truth\.txt")  # unchanged since 2012
ARCHIVE = re.compile(r"ILSVRC20[0-9]{2}_devkit.*\.(tar(\.gz|\.bz2|\.xz)?|tgz)")
META = ("meta.mat", "meta_clsloc.mat")
MOST_TEXT = 4 << 20  # bytes of a file of 50,000 labels; the devkit's has 194 kB
MOST_PACKED = 256 << 20  # bytes of a devkit, unpacked
PACKED: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}


def devkit_file(places: Sequence[Path]) -> Path | None:
    """The devkit's labels in one of the places: their file, the devkit unpacked there, or its archive.

    Raises OSError for a folder that cannot be read.
    """
    for place in dict.fromkeys(places):
        names = sorted(path.name for path in place.iterdir() if not foreign(path.name)) if place.is_dir() else []
        within = [place / name / "data" for name in names if DEVKIT.fullmatch(name)]
        for folder in (place, *within):
            if found := [path for path in folder.glob("*.txt") if GROUND_TRUTH.fullmatch(path.name)]:
                return min(found)
        if packed := [name for name in names if ARCHIVE.fullmatch(name) and (place / name).is_file()]:
            return place / packed[0]
    return None


def bare_entries(file: Path) -> list[Entry] | None:
    """The labels of a file that says one a line, or of the devkit's archive, with the images' names.

    None where it says images too. Raises UserError, also where the devkit's classes are in another order than the
    published one, and OSError.
    """
    content, meta = _from_archive(file) if ARCHIVE.fullmatch(file.name) else _from_file(file)
    lines = content.decode("utf-8-sig", "replace").split("\n")
    if not LABEL.fullmatch(next((line.strip() for line in lines if line.strip()), "")):
        return None
    if len(content) == MOST_TEXT:
        raise UserError(f"data {str(file)!r}: it is too large for labels of 50,000 images; give the published file")
    while lines and not lines[-1].strip():
        lines.pop()
    for number, line in enumerate(lines, start=1):
        if not LABEL.fullmatch(line.strip()):
            raise UserError(
                f"data {str(file)!r}: line {number} is {line[:100]!r}, but the others are a label each; give one a line"
            )
    if meta:
        _check_meta(file, meta)
    named = (f"ILSVRC2012_val_{number:08d}" for number in range(1, len(lines) + 1))
    return [
        Entry(number, line, name, line.strip())
        for number, (line, name) in enumerate(zip(lines, named, strict=True), start=1)
    ]


def order_of(file: Path, entries: Sequence[Entry]) -> Order | None:
    """The order of classes that known images' labels, which are numbers, are in; None where no image is known.

    Raises UserError where one of them is in none that all others are in.
    """
    known = [entry for entry in entries if published(entry.path)]
    if not known:
        return None
    nearest, wrong = min(((each, _differing(known, each)) for each in orders()), key=lambda pair: len(pair[1]))
    if not wrong:
        return nearest
    entry = wrong[0]
    right = published(entry.path) or ""
    allowed = ", or ".join(f"{each.classes.index(right) + each.first} ({each.about})" for each in orders())
    agreeing = len(known) - len(wrong)
    others = f"; {agreeing} of {len(known)} known images agree with {nearest.about}" if agreeing else ""
    raise UserError(
        f"data {str(file)!r}: its numbers are in no known order: line {entry.line} is {entry.label}, but image "
        f"{entry.path} is {right}, so it must be {allowed}{others}; mend it, or write lines 'NAME WORDNET_ID' to "
        "val.txt instead"
    )


def _differing(known: Sequence[Entry], order: Order) -> list[Entry]:
    return [entry for entry in known if order.meaning(int(entry.label)) != published(entry.path)]


def check_known(file: Path, entries: Sequence[Entry]) -> None:
    """Raise UserError where WordNet ids, one a line, are not those of the images of the lines' numbers."""
    for entry in entries:
        right = KNOWN.get(entry.line, entry.label)
        if entry.label != right:
            raise UserError(
                f"data {str(file)!r}: line {entry.line} is {entry.label}, but image {entry.path} is {right}: the "
                "lines are not in the order of the images; write lines 'NAME LABEL' to val.txt"
            )


def _from_file(file: Path) -> tuple[bytes, bytes | None]:
    """The start of a file, and of the devkit's what says the classes' order."""
    with file.open("rb") as opened:
        content = opened.read(MOST_TEXT)
    meta = next((file.parent / name for name in META if (file.parent / name).is_file()), None)
    return content, meta.read_bytes() if meta and GROUND_TRUTH.fullmatch(file.name) else None


def _from_archive(file: Path) -> tuple[bytes, bytes | None]:
    """The labels, and what says the classes' order. Raises UserError for an archive without, or a broken one."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=BytesIO(_unpacked(file)), mode="r:") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                if member.isreg() and (GROUND_TRUTH.fullmatch(name) or name in META):
                    found[name] = archive.extractfile(member).read()  # type: ignore[union-attr]
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError) as error:
        raise _broken(file, error) from None
    labels = next((name for name in sorted(found) if name not in META), None)
    if labels is None:
        raise _broken(file, "no validation ground truth in it")
    return found[labels], next((found[name] for name in META if name in found), None)


def _unpacked(file: Path) -> bytes:
    """An archive as a plain tar, in memory. Raises UserError for a broken one, and for one too large for a devkit."""
    with file.open("rb") as start:
        head = start.read(6)
    opener = next((each for magic, each in PACKED.items() if head.startswith(magic)), None)
    try:
        with opener(file) if opener else file.open("rb") as packed:
            content: bytes = packed.read(MOST_PACKED)
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise _broken(file, error) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise _broken(file, error) from None  # what gzip and bz2 say of contents
    if len(content) == MOST_PACKED:
        raise _broken(file, "too large for a devkit")
    return content


def _broken(file: Path, why: object) -> UserError:
    return UserError(
        f"data {str(file)!r}: this is no devkit of ImageNet ({why}); fetch ILSVRC2012_devkit_t12.tar.gz again"
    )


def _check_meta(file: Path, content: bytes) -> None:
    """Raise UserError where a devkit's classes have other ids than the published ones; read where scipy is there."""
    try:
        from scipy.io import loadmat
    except ImportError:
        return
    try:
        synsets = loadmat(BytesIO(content), squeeze_me=True)["synsets"]
        number, wnid = synsets.dtype.names[:2]
        named = {int(each[number]): str(each[wnid]) for each in synsets}
    except Exception as error:  # loadmat raises nearly anything at a broken file
        raise _broken(file, f"its meta.mat cannot be read: {error}") from None
    for place, right in enumerate(devkit(), start=1):
        if named.get(place) != right:
            raise UserError(
                f"data {str(file)!r}: its meta.mat says that class {place} is {named.get(place)}, but it is {right} in "
                "the published devkit; fetch ILSVRC2012_devkit_t12.tar.gz again"
            )
