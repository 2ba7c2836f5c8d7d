"""Small files that ask for much: refused by what their headers say, before memory or time is spent on them."""

import errno
import io
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import make_image
from PIL import Image

from bench.engine.dry_run import plan
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.decoding import UndecodableError, _formats, read
from bench.images.limits import MOST_BYTES, MOST_MEMORY, MOST_SCANS, MOST_VALUES, PER_PIXEL_OF
from bench.images.loader import Loader
from bench.images.scaling import Scaling
from bench.pictures.contact_sheet import _font, _picture
from bench.train.crops import CentreCrops

SHORT = 3


def encoded(form: str, image: Image.Image | None = None, **how: object) -> bytes:
    file = io.BytesIO()
    (image or make_image((40, 30), 0)).save(file, form, **how)
    return file.getvalue()


def tiff(*tags: tuple[int, int, int, int], after: bytes = b"") -> bytes:
    """Tag, type, number of values, value; sorted here. Two rows of grey pixels unless the tags say otherwise."""
    found = {tag: (kind, count, value) for tag, kind, count, value in ((256, SHORT, 1, 20), (257, SHORT, 1, 2),
             (258, SHORT, 1, 8), (259, SHORT, 1, 1), (262, SHORT, 1, 1), (273, SHORT, 1, 8), (277, SHORT, 1, 1),
             (279, SHORT, 1, 40), *tags)}  # fmt: skip
    entries = b"".join(struct.pack("<HHLL", tag, *found[tag]) for tag in sorted(found))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(found)) + entries + bytes(4) + after


def tiled(side: int) -> bytes:
    """16x16, in one tile: its size is altered, for PIL to write none that is larger than the image."""
    content = bytearray(tiff((256, SHORT, 1, 16), (257, SHORT, 1, 16), (322, SHORT, 1, side), (323, SHORT, 1, side),
                             (324, 4, 1, 8), (325, 4, 1, 8), (259, SHORT, 1, 8)))  # fmt: skip
    return bytes(content)


def scans(count: int, progressive: bool) -> bytes:
    """A JPEG of three scans or more, one of them many times."""
    if progressive:
        content = encoded("JPEG", progressive=True)
        last = content.rindex(b"\xff\xda")
    else:  # a scan for each colour, made of the only one of a grey image
        content = encoded("JPEG", make_image((40, 30), 0).convert("L"))
        frame = content.index(b"\xff\xc0")
        last = content.rindex(b"\xff\xda")
        colours = b"\x03" + b"".join(bytes([k, 0x11, 0]) for k in (1, 2, 3))
        content = content[: frame + 9] + colours + content[frame + 13 :]
        content = content[: frame + 2] + struct.pack(">H", 17) + content[frame + 4 :]
        last += 6
    return content[:last] + content[last:-2] * count + content[-2:]


def refusal(tmp_path: Path, content: bytes) -> str:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UndecodableError) as caught:
        read(tmp_path / "x")
    return str(caught.value)


def images(path: Path) -> Images:
    return Images("x", (path,), ("x",), np.zeros(1, int), ("x",), 1)


def test_a_file_of_any_length_is_refused_by_it(tmp_path, tried):
    """PIL would read all of a WebP; most of these bytes take no room on the disk."""
    for length in (MOST_BYTES + 1, 1 << 30, 1 << 43):
        with (tmp_path / "x").open("wb") as file:
            file.write(encoded("WEBP"))
            file.truncate(length)
        with pytest.raises(UndecodableError, match="too large"):
            read(tmp_path / "x")
        assert len(images(tmp_path / "x").digest) == 64  # nor is it read for that
    tried("images", "a small image in a file of up to 8 TB", 3, "named, without reading it")


def test_a_tile_counts_as_the_pixels_that_it_takes(tmp_path, tried):
    for side in (8192, 60_000):
        assert refusal(tmp_path, tiled(side)) == "too large"
    assert refusal(tmp_path, tiled(16)) != "too large"
    tried("images", "a small TIFF with a large tile", 2, "named")


@pytest.mark.parametrize("tag", [273, 279, 258, 34665])
def test_a_tag_of_many_values_is_refused(tmp_path, tried, tag):
    """PIL makes several objects of each strip; 34665 leads to a directory in which another tag has them."""
    many = MOST_VALUES + 1
    values = (tag, SHORT, many, 8) if tag != 34665 else (tag, 4, 1, 8 + 2 + 9 * 12 + 4)
    inner = struct.pack("<HHHLL", 1, 37500, SHORT, many, 8)
    assert refusal(tmp_path, tiff(values, after=inner + bytes(4) + b"\1\2" * many)) == "too many strips or tiles"
    tried("images", "a TIFF of more strips than pixels", 1, "named")


def test_directories_inside_one_another_come_to_an_end(tmp_path, tried):
    """Every two bytes could be another one."""
    entries = [(34665, 4, 1, 2 * place) for place in range(60_000)]
    listed = b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    content = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + listed + bytes(4)
    begin = time.monotonic()
    assert refusal(tmp_path, content) == "too many strips or tiles"
    assert time.monotonic() - begin < 10
    tried("images", "a TIFF of 60,000 directories", 1, "named, in no time")


@pytest.mark.parametrize("progressive", [True, False])
def test_scans_are_counted(tmp_path, tried, progressive):
    """Of a progressive JPEG, and of one whose colours come one after the other; not what a comment says."""
    few = scans(5, progressive)
    comment = b"\xff\xfe\x10\x02" + b"\xff\xda\xff\xd9" * 1024
    for content in (few, few[:2] + comment + few[2:]):
        (tmp_path / "x.jpg").write_bytes(content)
        assert read(tmp_path / "x.jpg").size == (40, 30)
    many = scans(MOST_SCANS + 1, progressive)
    hidden = many.rindex(b"\xff\xda") if progressive else many.index(b"\xff\xda")
    for content in (many, many[:2] + comment + many[2:], many[:hidden] + b"\xff\xfe\0\4\xff\xd9" + many[hidden:]):
        assert refusal(tmp_path, content) == "too many scans"
    tried("images", "a JPEG of more than 100 scans", 3, "named")


def test_a_baseline_jpeg_is_not_read_for_its_scans(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.images.limits.MARKER", None)
    (tmp_path / "x.jpg").write_bytes(encoded("JPEG"))
    assert read(tmp_path / "x.jpg").size == (40, 30)
    (tmp_path / "x.jpg").write_bytes(encoded("JPEG", progressive=True))
    with pytest.raises(UndecodableError):
        read(tmp_path / "x.jpg")


@pytest.mark.parametrize("form", sorted({*PER_PIXEL_OF} & {*_formats()}))
def test_formats_that_take_more_memory_may_have_fewer_pixels(tmp_path, monkeypatch, form):
    content = encoded(form)
    (tmp_path / "x").write_bytes(content)
    needed = 40 * 30 * PER_PIXEL_OF[form] + (0 if form == "JPEG2000" else 2 * len(content))
    monkeypatch.setattr("bench.images.decoding.MOST_MEMORY", needed)
    assert read(tmp_path / "x").size == (40, 30)
    monkeypatch.setattr("bench.images.decoding.MOST_MEMORY", needed - 1)
    assert refusal(tmp_path, content) == "too large"
    assert needed < MOST_MEMORY


def test_a_file_that_leads_the_decoder_astray_is_no_sick_machine(tmp_path, tried):
    far = [b"II+\0\x08\0\0\0" + struct.pack("<Q", place) for place in (1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)]
    jpeg2000 = encoded("JPEG2000")
    start = jpeg2000.index(b"jp2h") - 4
    boxes = [jpeg2000[:start] + struct.pack(">L4sQ", 1, b"jp2h", 1 << k) + jpeg2000[start + 8 :] for k in (40, 62, 63)]
    strips = [tiff((273, 4, 1, 0xFFFFFFFF))]
    for content in (*far, *boxes, *strips):
        refusal(tmp_path, content)
    tried("images", "places and lengths beyond any file", len(far) + len(boxes) + len(strips), "named")


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EIO, "Input/output error")])
def test_lack_of_memory_or_of_a_disk_is_one_line_everywhere(tmp_path, monkeypatch, tried, error):
    """While an image is decoded: for evaluation, training and the contact sheet; a plan decodes none."""

    def fail(*_, **__):
        raise error

    (tmp_path / "x.png").write_bytes(encoded("PNG"))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    loader = Loader(images(tmp_path / "x.png"), 1)
    message = "needs more memory than there is" if isinstance(error, MemoryError) else "cannot be read: Input/output"
    with pytest.raises(UserError, match=message):
        list(loader.blocks([((0,), (Scaling(32),))]))
    loader.close()
    with pytest.raises(UserError, match=message):
        CentreCrops(images(tmp_path / "x.png"), 32, 32)[0]
    assert _picture((tmp_path / "x.png", None), _font()).size == (200, 200)
    assert plan([], images(tmp_path / "x.png")) == ""
    tried("images", "no memory, or a failing disk, while an image is decoded", 4, "one line, or a remark in its place")


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.EPERM, errno.ENOMEM])
def test_what_may_pass_is_in_no_digest_and_makes_no_image_corrupt(tmp_path, monkeypatch, tried, number):
    """A right that ends in mid-run would else have good images stored as corrupt ones."""
    (tmp_path / "x.png").write_bytes(encoded("PNG"))
    good = images(tmp_path / "x.png").digest

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", fail)
        with pytest.raises(UserError, match=f"x.png' cannot be read: {os.strerror(number)}; mend that and run again"):
            images(tmp_path / "x.png").digest  # noqa: B018
        loader = Loader(images(tmp_path / "x.png"), 1)
        with pytest.raises(UserError, match=os.strerror(number)):
            list(loader.blocks([((0,), (Scaling(32),))]))
        loader.close()
    assert images(tmp_path / "x.png").digest == good
    tried("images", "an error that may pass, while a digest is taken or an image is read", 2, "one line")
