"""Grey of more than 8 bits becomes its highest 8; pixels without a known range are refused; the rest is PIL's."""

import io
import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import make_image, make_weights
from PIL import Image, PpmImagePlugin

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.decoding import RangelessError, read, size_in
from bench.images.survey import USUAL, notes, rules
from bench.predict.__main__ import main as predict
from bench.run.__main__ import main
from bench.train.crops import CentreCrops

GREY = np.add.outer(np.arange(16) * 9, np.arange(12) * 8).astype(np.uint8)
SHORT, LONG = 3, 4
PLAIN = "PIL convert(RGB), no EXIF, antialiased bilinear on uint8"
DEEP = "PIL convert(RGB), 16-bit grey >> 8, no EXIF, antialiased bilinear on uint8"
REFUSED = "PIL convert(RGB), pixels without a range refused, no EXIF, antialiased bilinear on uint8"


def tiff(values: np.ndarray, order: str = "<", white: int = 1, form: int = 1, bits: Sequence[int] = ()) -> bytes:
    """An uncompressed TIFF of these samples (H, W) or (H, W, C): PIL does not write all that it reads."""
    height, width, *channels = values.shape
    bits = bits or [8 * values.itemsize] * (channels[0] if channels else 1)
    samples = values.astype(values.dtype.newbyteorder(order)).tobytes()
    if bits[0] == 12:
        samples = int("".join(f"{value:012b}" for value in values.flat), 2).to_bytes(values.size * 3 // 2, "big")
    tags = {256: (SHORT, [width]), 257: (SHORT, [height]), 258: (SHORT, bits), 259: (SHORT, [1]), 262: (SHORT, [white]),
            273: (LONG, [0]), 277: (SHORT, [len(bits)]), 278: (SHORT, [height]), 279: (LONG, [len(samples)]),
            339: (SHORT, [form] * len(bits))}  # fmt: skip
    behind = 8 + 2 + 12 * len(tags) + 4
    tags[273] = (LONG, [behind + 64])
    entries = more = b""
    for tag, (kind, found) in tags.items():
        value = struct.pack(f"{order}{len(found)}{'H' if kind == SHORT else 'L'}", *found)
        if len(value) > 4:
            more, value = more + value, struct.pack(order + "L", behind + len(more))
        entries += struct.pack(order + "HHL", tag, kind, len(found)) + value.ljust(4, b"\0")
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "LH", 8, len(tags))
    return start + entries + bytes(4) + more.ljust(64, b"\0") + samples


def png(values: np.ndarray, kind: int, *chunks: tuple[bytes, bytes], bits: int = 16) -> bytes:
    """A PNG of 16-bit samples (H, W) or (H, W, C), or of rows of fewer bits in bytes; `kind` is its colour type."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(name + content))

    width = values.shape[1] if bits == 16 else values.shape[1] * 8 // bits
    rows = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in values)
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", width, len(values), bits, kind, 0, 0, 0))
    middle = b"".join(chunk(*each) for each in chunks)
    return b"\x89PNG\r\n\x1a\n" + head + middle + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def encoded(image: Image.Image, form: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def pgm(values: np.ndarray, most: int) -> bytes:
    height, width = values.shape
    return b"P5 %d %d %d\n" % (width, height, most) + values.astype(">u2").tobytes()


def plain_pgm(values: np.ndarray, most: int) -> bytes:
    height, width = values.shape
    return b"P2 %d %d %d\n" % (width, height, most) + b" ".join(b"%d" % value for value in values.flat)


SIXTEEN = GREY.astype(np.uint16) * 257
PIL16 = Image.fromarray(SIXTEEN)
BIG = PIL16.convert("I").convert("I;16B")
COPIES = {
    "16-bit PNG": encoded(PIL16, "PNG"),
    "transparent 16-bit PNG": png(SIXTEEN, 0, (b"tRNS", b"\xea\x60")),
    "16-bit PNG with alpha": png(np.stack([SIXTEEN] * 2, -1), 4),
    "16-bit RGB PNG": png(np.stack([SIXTEEN] * 3, -1), 2),
    "16-bit TIFF": encoded(PIL16, "TIFF"),
    "16-bit TIFF, LZW": encoded(PIL16, "TIFF", compression="tiff_lzw"),
    "16-bit TIFF, Deflate": encoded(PIL16, "TIFF", compression="tiff_adobe_deflate"),
    "16-bit TIFF, big-endian": encoded(BIG, "TIFF"),
    "16-bit TIFF, raw": tiff(SIXTEEN),
    "16-bit TIFF, raw and big-endian": tiff(SIXTEEN, ">"),
    "16-bit TIFF, white is 0": tiff(65535 - SIXTEEN, white=0),
    "12-bit TIFF": tiff(GREY.astype(np.uint16) * 16 + 3, bits=[12]),
    "16-bit RGB TIFF": tiff(np.stack([SIXTEEN] * 3, -1), white=2),
    "8-bit TIFF": tiff(GREY),
    "8-bit TIFF, white is 0": tiff(255 - GREY, white=0),
    "16-bit JPEG 2000": encoded(PIL16, "JPEG2000"),
    "16-bit PGM": pgm(SIXTEEN, 65535),
    "10-bit PGM": pgm(GREY.astype(int) * 1023 // 255, 1023),
    "plain 16-bit PGM": plain_pgm(SIXTEEN, 65535),
    "shifted by 8, not repeated": tiff(GREY.astype(np.uint16) << 8),
}
RANGELESS = {
    "float TIFF": tiff((GREY / 255).astype(np.float32), form=3),
    "float TIFF, 0..255": encoded(Image.fromarray(GREY.astype(np.float32)), "TIFF"),
    "float TIFF, big-endian": tiff((GREY / 255).astype(np.float32), ">", form=3),
    "32-bit TIFF": encoded(Image.fromarray(GREY.astype(np.int32) * 65537), "TIFF"),
    "unsigned 32-bit TIFF": tiff(GREY.astype(np.uint32) << 24),
    "signed 16-bit TIFF": tiff(SIXTEEN.astype(np.int16), form=2),
    "signed 16-bit TIFF, big-endian": tiff(SIXTEEN.astype(np.int16), ">", form=2),
    "signed 8-bit TIFF": tiff(GREY.astype(np.int8), form=2),
}
if b"Pf" in PpmImagePlugin.MODES:  # Pillow reads it since 10.3
    RANGELESS["PFM"] = b"Pf\n%d %d\n-1.0\n" % GREY.shape[::-1] + GREY.astype("<f4").tobytes()


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def images(*paths: Path) -> Images:
    names = tuple(path.name for path in paths)
    return Images("x", paths, names, np.zeros(len(paths), int), ("x",), len(paths))


@pytest.mark.parametrize("kind", COPIES)
def test_a_picture_of_more_bits_is_that_of_8(tmp_path, kind):
    """Whatever made it 16 bits, and as PIL reads 16-bit colour."""
    path = write(tmp_path / "x", COPIES[kind])
    off = 1 if kind == "10-bit PGM" else 0  # which are no multiple
    found = np.asarray(read(path)).astype(int)
    assert np.abs(found - GREY[:, :, None]).max() <= off
    assert size_in(path, None) == (12, 16)


def test_the_rule_is_the_highest_8_bits_of_16(tmp_path):
    """Of every value; the range is the container's, so that 12 bits within 16 are dark."""
    values = np.arange(1 << 16).astype(np.uint16).reshape(256, 256)
    found = np.asarray(read(write(tmp_path / "x.png", encoded(Image.fromarray(values), "PNG"))))
    assert np.array_equal(found, np.stack([values >> 8] * 3, -1))
    dark = np.asarray(read(write(tmp_path / "d.png", encoded(Image.fromarray(values >> 4), "PNG"))))
    assert dark.max() == 15


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_fewer_bits_are_scaled_to_all_of_8(tmp_path, bits):
    packed = np.arange(256).astype(np.uint8)[None]
    expected = np.unpackbits(packed, axis=1).reshape(-1, bits) @ (1 << np.arange(bits)[::-1]) * (255 // (2**bits - 1))
    found = np.asarray(read(write(tmp_path / "x.png", png(packed, 0, bits=bits))))
    assert np.array_equal(found[0, :, 0], expected)


@pytest.mark.parametrize("kind", RANGELESS)
def test_pixels_without_a_range_are_refused_by_their_header(tmp_path, kind):
    path = write(tmp_path / "x", RANGELESS[kind])
    for reader in (lambda: read(path), lambda: size_in(path, None)):
        with pytest.raises(RangelessError, match="pixels have no known range; convert to 8 bits"):
            reader()
    with pytest.raises(UserError, match="no known range"):  # training has no --skip-corrupt
        CentreCrops(images(path), 16, 16)[0]


def test_only_sets_that_have_such_files_say_so(tmp_path):
    usual = write(tmp_path / "a.png", encoded(make_image((20, 16), 0), "PNG"))
    deep = [write(tmp_path / f"{k}.x", content) for k, content in enumerate(COPIES.values())]
    of_grey = [path for path, kind in zip(deep, COPIES, strict=True) if "RGB" not in kind and "alpha" not in kind]
    of_grey = [path for path, kind in zip(deep, COPIES, strict=True) if path in of_grey and "8-bit" not in kind]
    rangeless = [write(tmp_path / f"{k}.y", content) for k, content in enumerate(RANGELESS.values())]
    assert (images(usual).rules, images(usual).told) == (PLAIN, ())
    assert {images(usual, path).rules for path in of_grey} == {DEEP}
    assert {images(path).rules for path in deep if path not in of_grey} == {PLAIN}
    assert {images(usual, path).rules for path in rangeless} == {REFUSED}
    assert images(usual, *deep).told[0].startswith(f"{len(of_grey)} of {1 + len(deep)} images are grey of more than 8")
    assert images(usual, *deep).limit(1).rules == PLAIN  # of the images taken
    said = f"{len(rangeless)} of {1 + len(rangeless)} images cannot be evaluated"
    assert said in images(usual, *rangeless).told[0]


def test_rules_and_notes_of_usual_images_are_those_of_no_survey():
    assert (rules([USUAL] * 3, exif=False), notes([USUAL] * 3, exif=False)) == (PLAIN, [])


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> Path:
    return make_weights(tmp_path_factory.mktemp("net") / "A.safetensors", "vgg11", classes=("cat", "dog"))


def run(net: Path, root: Path, name: str, *more: str) -> int:
    common = f"--model vgg11 --weights {net} --protocol centre@224 --out {root}/{name}-out --store {root}/store"
    return main([*common.split(), "--workers", "2", "--data", f"folder:{root / name}", *more])


def test_16_bits_give_the_counts_and_posteriors_of_8(net, tmp_path):
    """Row, store and signature: another signature, the same numbers."""
    for k in range(4):
        grey = make_image((40, 30), k).convert("L")
        name = f"{('cat', 'dog')[k % 2]}/{k}.png"
        write(tmp_path / "8" / name, encoded(grey, "PNG"))
        write(tmp_path / "16" / name, encoded(Image.fromarray(np.array(grey).astype(np.uint16) * 257), "PNG"))
    rows = []
    for name in ("8", "16"):
        assert run(net, tmp_path, name, "--save-posteriors") == 0
        rows += json.loads((tmp_path / f"{name}-out" / "results.json").read_text())
    few, many = (np.load(row["posteriors"])["posteriors"] for row in rows)
    assert np.array_equal(few, many)
    assert rows[0]["wrong1"] == rows[1]["wrong1"]
    assert ["rules=PILconvert(RGB),noEXIF," in row["signature"] for row in rows] == [True, False]
    assert "rules=PILconvert(RGB),16-bitgrey>>8,noEXIF," in rows[1]["signature"]
    assert "4 of 4 images are grey of more than 8 bits" in (tmp_path / "16-out" / "results.md").read_text()


def test_floats_are_named_and_left_out_if_that_is_asked_for(net, tmp_path, capsys):
    for k in range(3):
        write(tmp_path / "set" / f"{('cat', 'dog')[k % 2]}/{k}.png", encoded(make_image((40, 30), k), "PNG"))
    write(tmp_path / "set" / "cat" / "f.tif", RANGELESS["float TIFF"])
    assert run(net, tmp_path, "set") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "cat/f.tif (floating-point pixels have no known range; convert to 8 bits)" in said
    assert run(net, tmp_path, "set", "--dry-run") == 0
    assert run(net, tmp_path, "set", "--skip-corrupt") == 0
    (row,) = json.loads((tmp_path / "set-out" / "results.json").read_text())
    assert (row["n"], row["skipped"]) == (3, 1)
    assert "pixelswithoutarangerefused" in row["signature"]
    assert "1 of 4 images cannot be evaluated" in (tmp_path / "set-out" / "results.md").read_text()


def test_predict_names_floats_and_says_what_became_of_16_bits(net, tmp_path, capsys):
    deep, real = write(tmp_path / "d.png", COPIES["16-bit PNG"]), write(tmp_path / "f.tif", RANGELESS["float TIFF"])
    words = f"--model vgg11 --weights {net} --protocol centre@224 --workers 1".split()
    assert predict([str(deep), str(real), *words]) == 1
    err = capsys.readouterr().err
    assert "f.tif (floating-point pixels have no known range; convert to 8 bits)" in err
    assert "1 of 1 images are grey of more than 8 bits" in err
