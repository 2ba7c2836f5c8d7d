"""What the images of a set are, found in one pass: their digests, and whose pixels need more than PIL's conversion."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import PIL
from PIL import Image

from bench.cache import cache_folder
from bench.cores import cores
from bench.images import bit_depth as depth
from bench.images.decoding import RangelessError, UndecodableError, converted, encoded, encoded_size, opened, reading
from bench.images.image_source import Encoded, Source
from bench.images.known_files import KnownFiles
from bench.images.orientation import PREFIX, orientation, turned_by_decoding
from bench.images.python_image import PythonImage
from bench.images.scaling import Scaling
from bench.progress import progress, warn

READING = "reading images for their digest"
UNREADABLE = "unreadable"  # in place of a digest
PIECE = 1 << 18  # bytes of a file that are read at once
USUAL_RULE = Scaling(0).rule  # of rescaling
RANGELESS = "pixels without a range refused"
JPEG = b"\xff\xd8\xff"
HOW = f"1 {PIL.__version__}"  # digests and headers are found: raise the number where others would be


class Header(NamedTuple):
    """What an image's header says: whether it is grey of more than 8 bits, whether its pixels have no known range, how
    EXIF turns it, and whether it is a TIFF that its own orientation turns."""

    deep: bool = False
    rangeless: bool = False
    orientation: int = 1
    turned: bool = False


USUAL = Header()  # of most images, and of those that were made here


class Found(NamedTuple):
    """A file's SHA-256, or that of the pixels of an image without one, and its header, the usual one if that is broken.

    `unreadable` stands for what is no file, too large a one, or no image in Python.
    """

    sha256: str
    header: Header = USUAL


def survey(sources: Sequence[Source], exif: bool, anew: bool = False) -> list[Found]:
    """Read every image once; pixels in Python are turned by their EXIF orientation if `exif`, as they are for the nets.

    What is known of files that stayed as they were is not read again, unless `anew`: then what differs is warned of.
    Raises UserError for what may pass: a digest that says so would be another set's.
    """
    each = dict.fromkeys(sources)
    with KnownFiles(cache_folder(), HOW) as known:
        texts = known.find(source for source in each if not isinstance(source, PythonImage))
        before: dict[Source, Found] = {source: one for source, text in texts.items() if (one := _found_in(text))}
        found = {} if anew else dict(before)
        lacking = [source for source in each if source not in found]
        with ThreadPoolExecutor(cores()) as pool:
            read = pool.map(lambda one: _of_source(one, exif), lacking)
            for source, one in zip(lacking, progress(read, len(lacking), READING), strict=True):
                found[source] = one
                if not isinstance(source, PythonImage) and one.sha256 != UNREADABLE:
                    known.keep(source, json.dumps(one))
    _warn_of_changes(before, found)
    return [found[source] for source in sources]


def _found_in(text: str) -> Found | None:
    """What the cache says, None where that is nothing that was written here."""
    try:
        digest, (deep, rangeless, orientation, turned) = json.loads(text)
    except (ValueError, TypeError):
        return None
    kinds = [type(each) for each in (digest, deep, rangeless, orientation, turned)]
    if kinds != [str, bool, bool, int, bool] or len(digest) != 64:
        return None
    return Found(digest, Header(deep, rangeless, orientation, turned))


def _warn_of_changes(before: Mapping[Source, Found], found: Mapping[Source, Found]) -> None:
    """Say which files have other contents though size and times are what they were: a disk may be failing."""
    changed = [source for source, one in before.items() if found[source].sha256 != one.sha256]
    if changed:
        warn(
            f"{len(changed)} images have changed since they were read first, though their files' sizes and times have "
            f"not, first '{changed[0]}': look at the disk"
        )


def size_if_any(source: Source) -> int | None:
    """In bytes, None of what has none: an image in Python, or what is no file. Raises OSError."""
    try:
        return None if isinstance(source, PythonImage) else encoded_size(source)
    except UndecodableError:
        return None


def pixel_digest(image: Image.Image) -> str:
    """SHA-256 of an RGB image's size and pixels: the same for whatever file or array they come from."""
    return hashlib.sha256(f"{image.width}x{image.height}".encode() + image.tobytes()).hexdigest()


def rules(headers: Sequence[Header], exif: bool) -> str:
    """How files become pixels, for keys and signatures; a rule that no image of the set needs is not in it."""
    words = ["PIL convert(RGB)"]
    words += [depth.RULE] * any(each.deep for each in headers)
    words += [RANGELESS] * any(each.rangeless for each in headers)
    return ", ".join([*words, "EXIF" if exif else "no EXIF", USUAL_RULE])


USUAL_RULES = rules([], exif=False)


def notes(headers: Sequence[Header], exif: bool, boxes: bool = False) -> list[str]:
    """Sentences about images that are not read as most are."""
    remedy = "boxes are in the file's own pixels" if boxes else "--exif applies it"
    rule = "applied" if exif else f"not applied (ImageNet's convention); {remedy}"
    unranged = "floating-point, 32-bit or signed pixels have no known range; convert to 8 bits"
    found = (
        (sum(each.deep for each in headers), f"are grey of more than 8 bits: the highest 8 are taken ({depth.RULE})"),
        (sum(each.rangeless for each in headers), f"cannot be evaluated: {unranged}"),
        (sum(each.turned for each in headers), "are TIFFs with an orientation, which decoding applies in any case"),
        (sum(each.orientation != 1 for each in headers), f"carry an EXIF orientation, which is {rule}"),
    )
    return [f"{count} of {len(headers)} images {what}" for count, what in found if count]


def file_header(source: Encoded) -> Header:
    """Raises what `opened` raises but for pixels without a range."""
    try:
        with opened(source) as image:
            return header_of(image)
    except RangelessError:
        return Header(rangeless=True)


def header_of(image: Image.Image) -> Header:
    """Of an opened image, before its pixels are read."""
    return Header(depth.bits(image) > 8, False, orientation(image), turned_by_decoding(image))


def _of_source(source: Source, exif: bool) -> Found:
    return _of_pixels(source, exif) if isinstance(source, PythonImage) else _of_encoded(source)


def _of_pixels(image: PythonImage, exif: bool) -> Found:
    try:
        with opened(image) as found:
            return Found(pixel_digest(converted(found, None, exif)), header_of(found))
    except UndecodableError as error:
        return Found(UNREADABLE, Header(rangeless=isinstance(error, RangelessError)))


def _of_encoded(source: Encoded) -> Found:
    try:
        with reading(source):
            size = encoded_size(source)
            with encoded(source) as file:
                start = file.read(PIECE)
                digest = hashlib.sha256(start)
                while piece := file.read(PIECE):
                    digest.update(piece)
    except UndecodableError:
        return Found(UNREADABLE)
    if len(start) == size and _plain(start):
        return Found(digest.hexdigest())
    try:
        return Found(digest.hexdigest(), file_header(source))
    except UndecodableError:
        return Found(digest.hexdigest())


def _plain(content: bytes) -> bool:
    """Whether a file is sure to be read as most are, which is known sooner than PIL has read its header."""
    return content.startswith(JPEG) and PREFIX not in content and b"tiff:Orientation" not in content
