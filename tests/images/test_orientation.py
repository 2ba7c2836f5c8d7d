"""EXIF orientations: not applied unless that is asked for, then as PIL's exif_transpose applies them."""

import io
import random
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import make_image
from exif_files import NOT_APPLIED, exif, images
from PIL import Image, ImageOps, features

from bench.images.decoding import read, size_in
from bench.images.orientation import ORIENTATION

PHOTO = make_image((40, 26), 3)
DEEP = Image.fromarray(np.asarray(PHOTO.convert("L")).astype(np.uint16) * 257)
FORMS = ["JPEG", "PNG", "WEBP", *(["AVIF"] if features.check("avif") else [])]


def encoded(form: str, image: Image.Image = PHOTO, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(name + content))


def in_png(chunks: bytes, behind: bool) -> bytes:
    """A PNG with more chunks, before or behind its pixels."""
    content = encoded("PNG")
    place = content.index(b"IEND") - 4 if behind else content.index(b"IDAT") - 4
    return content[:place] + chunks + content[place:]


def xmp(number: int) -> bytes:
    return b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>' % number


def in_text(number: int) -> bytes:
    """As ImageMagick writes it into a PNG."""
    return chunk(b"tEXt", b"Raw profile type exif\0\nexif\n      50\n" + exif(number).hex().encode() + b"\n")


CARRIERS = {
    **{form: lambda number, form=form: encoded(form, exif=exif(number)) for form in FORMS},
    "big-endian": lambda number: encoded("JPEG", exif=exif(number, ">")),
    "as a long": lambda number: encoded("JPEG", exif=exif(number, kind=4)),
    "grey": lambda number: encoded("JPEG", PHOTO.convert("L"), exif=exif(number)),
    "16-bit": lambda number: encoded("PNG", DEEP, exif=exif(number)),
    "palette": lambda number: encoded("PNG", PHOTO.convert("P"), exif=exif(number)),
    "behind a PNG's pixels": lambda number: in_png(chunk(b"eXIf", exif(number)[6:]), behind=True),
    "a PNG's text": lambda number: in_png(in_text(number), behind=False),
    "XMP": lambda number: in_png(chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + xmp(number)), behind=False),
    "EXIF before XMP": lambda number: encoded("JPEG", exif=exif(number), xmp=xmp(9 - number)),
}


def by_pil(path: Path) -> Image.Image:
    with Image.open(path) as image:
        turned = ImageOps.exif_transpose(image)
        if turned.mode.startswith("I"):
            return Image.fromarray((np.array(turned) >> 8).astype(np.uint8)).convert("RGB")
        return turned.convert("RGB")


@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_orientation_is_applied_as_pil_applies_it_or_not_at_all(tmp_path, carrier):
    for number in range(1, 9):
        path = tmp_path / f"{number}.x"
        path.write_bytes(CARRIERS[carrier](number))
        turned, stored = read(path, None, True), read(path)
        assert np.array_equal(np.asarray(turned), np.asarray(by_pil(path)))
        with Image.open(path) as image:
            assert stored.size == image.size
        assert (turned.size == stored.size) == (number < 5)
        assert size_in(path, None, True) == turned.size
        assert size_in(path, None) == stored.size
        assert (NOT_APPLIED in "".join(images(path).told)) == (number != 1)
    everything = images(*tmp_path.iterdir())
    assert everything.told[-1] == f"7 of 8 images {NOT_APPLIED}"
    applied = replace(everything, exif=True)
    assert applied.told[-1] == "7 of 8 images carry an EXIF orientation, which is applied"
    assert applied.digest == everything.digest  # it is that of the files


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_a_tiff_is_as_pil_decodes_it_its_own_orientation_applied(tmp_path, compression):
    for number in range(1, 9):
        PHOTO.save(tmp_path / "x.tif", tiffinfo={ORIENTATION: number}, compression=compression)
        with Image.open(tmp_path / "x.tif") as image:
            expected = np.asarray(image.convert("RGB"))
        for applied in (False, True):
            assert np.array_equal(np.asarray(read(tmp_path / "x.tif", None, applied)), expected)
            assert sorted(size_in(tmp_path / "x.tif", None, applied)) == sorted(expected.shape[:2])
        assert (expected.shape[:2] == (40, 26)) == (number >= 5)
        told = images(tmp_path / "x.tif").told
        said = ("1 of 1 images are TIFFs with an orientation, which decoding applies in any case",)
        assert told == (said if number > 1 else ())


def broken() -> dict[str, bytes]:
    good = exif(6)
    far = good[:10] + struct.pack("<L", 0xFFFFFFF0) + good[14:]
    many = good[:14] + struct.pack("<H", 65535) + good[16:]
    return {
        "nothing": b"Exif\0\0", "no directory": good[:14], "cut": good[:-20], "another order": b"Exif\0\0XX" + good[8:],
        "far away": far, "more tags than there are": many, "orientation 0": exif(0), "orientation 9": exif(9),
        "orientation 65535": exif(65535), "as text": exif(6, kind=2), "of no type": exif(6, kind=99),
        "of no values": exif(6, count=0), "zeros": b"Exif\0\0" + bytes(999),
    }  # fmt: skip


@pytest.mark.parametrize("fault", broken())
@pytest.mark.filterwarnings("ignore")
def test_broken_exif_fails_no_image(tmp_path, fault):
    """PIL's own function raises for some of these."""
    found = {
        "x.jpg": encoded("JPEG", exif=broken()[fault]),
        "x.webp": encoded("WEBP", exif=broken()[fault]),
        "x.png": in_png(chunk(b"eXIf", broken()[fault][6:]), behind=True),
        "y.png": in_png(chunk(b"eXIf", broken()[fault][6:]), behind=False),
    }
    for name, content in found.items():
        (tmp_path / name).write_bytes(content)
        expected = 6 if fault == "more tags than there are" else 1  # what was read before is kept, by PIL too
        assert read(tmp_path / name, None, True).size == ((26, 40) if expected == 6 else (40, 26))
        assert len(images(tmp_path / name).told) == (expected != 1)


@pytest.mark.filterwarnings("ignore")
def test_altered_exif_is_understood_as_pil_understands_it(tmp_path):
    """Where PIL reads on to an orientation that is a whole number; a broken tag before it is no reason to stop."""
    draw = random.Random(0)
    path = tmp_path / "x.jpg"
    compared = 0
    for _ in range(300):
        content = bytearray(exif(draw.choice((3, 6)), draw.choice("<>"), draw.choice((3, 4))))
        for _ in range(draw.choice((1, 1, 2))):
            content[draw.randrange(6, len(content))] = draw.randrange(256)
        path.write_bytes(encoded("JPEG", exif=bytes(content)))
        size = read(path, None, True).size
        with Image.open(path) as image:
            try:
                number = image.getexif().get(ORIENTATION)
            except Exception:  # which type is PIL's affair
                continue
        if isinstance(number, int):
            assert (size == (26, 40)) == (5 <= number <= 8), bytes(content)
            compared += 1
    assert compared > 100


def test_exif_of_any_size_is_looked_at_and_not_copied(tmp_path, tried):
    """65,535 tags whose values are the same 60 kB: PIL's dictionary of them takes gigabytes."""
    tags, size = 4000, 64000
    data = b"II*\0" + struct.pack("<LH", 8, tags)
    data += b"".join(struct.pack("<HHLL", k + 1000, 7, 10_000, 8) for k in range(tags))
    content = in_png(chunk(b"eXIf", data.ljust(size, b"\0") * 100), behind=True)
    (tmp_path / "x.png").write_bytes(content)
    assert images(tmp_path / "x.png").told == ()
    assert read(tmp_path / "x.png", None, True).size == (40, 26)
    tried("images", "EXIF of thousands of tags that share their bytes", 1, "looked at, not copied")


def test_a_png_of_a_chunk_that_ends_nowhere_is_read(tmp_path):
    for length in (0, 1 << 31, (1 << 32) - 1):
        content = in_png(struct.pack(">L4s", length, b"eXIf"), behind=True)
        (tmp_path / "x.png").write_bytes(content)
        try:
            expected = read(tmp_path / "x.png").size
        except Exception as error:
            with pytest.raises(type(error)):
                read(tmp_path / "x.png", None, True)
        else:
            assert read(tmp_path / "x.png", None, True).size == expected
