"""EXIF orientations: not applied unless that is asked for, then as PIL's exif_transpose applies them, everywhere."""

import io
import json
import random
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import make_image, make_weights
from PIL import Image, ImageOps, features

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.decoding import read, size_in
from bench.images.loader import Loader
from bench.images.orientation import ORIENTATION
from bench.images.sources import DataSpec, open_data
from bench.inspect.__main__ import main as inspect
from bench.inspect.rows import _places
from bench.pictures.contact_sheet import _font, _picture
from bench.predict.__main__ import main as predict
from bench.run.__main__ import main
from bench.train.crops import CentreCrops, TrainingCrops
from protocols.scales import parse_S
from protocols.view import Box, Size
from results.origin import read_origin

PHOTO = make_image((40, 26), 3)
DEEP = Image.fromarray(np.asarray(PHOTO.convert("L")).astype(np.uint16) * 257)
NOT_APPLIED = "carry an EXIF orientation, which is not applied (ImageNet's convention); --exif applies it"
FORMS = ["JPEG", "PNG", "WEBP", *(["AVIF"] if features.check("avif") else [])]


def exif(number: int, order: str = "<", kind: int = 3, count: int = 1) -> bytes:
    """As a camera writes it, among other tags."""
    short = struct.pack(order + ("H" if kind in (3, 8) else "L"), number).ljust(4, b"\0")
    entries = struct.pack(order + "HHL", 0x010F, 2, 4) + b"Own\0" + struct.pack(order + "HHL", ORIENTATION, kind, count)
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "LH", 8, 2)
    return b"Exif\0\0" + start + entries + short + bytes(4)


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


def images(*paths: Path, exif: bool = False) -> Images:
    names = tuple(path.name for path in paths)
    return Images("x", paths, names, np.zeros(len(paths), int), ("x",), len(paths), exif=exif)


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


@pytest.fixture
def turned(tmp_path) -> tuple[Path, Path]:
    """A photograph that is stored upright, and one that its EXIF turns to the same."""
    upright = make_image((26, 40), 5)
    upright.save(tmp_path / "upright.png")
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif(6))
    return tmp_path / "upright.png", tmp_path / "turned.png"


def test_every_reader_sees_the_same_with_exif(turned):
    """The loader at any Q, training crops, centre crops and the contact sheet see what was upright from the start."""
    both = images(*turned, exif=True)
    loader = Loader(both, 1)
    ((one, other),) = loader.blocks([((0, 1), (32, 48))])
    loader.close()
    assert one.size == other.size == Size(26, 40)
    assert all((one.at[Q] == other.at[Q]).all() for Q in (32, 48))
    first, second = (images(path, exif=True) for path in turned)
    crops = [TrainingCrops(each, parse_S("32-48"), 32, 0, 0)[0][0] for each in (first, second)]
    assert (crops[0] == crops[1]).all()
    centres = [CentreCrops(each, 32, 32)[0][0] for each in (first, second)]
    assert (centres[0] == centres[1]).all()
    sheet = [np.asarray(_picture(both.place(i), _font())) for i in (0, 1)]
    assert np.array_equal(*sheet)
    assert (CentreCrops(images(turned[1]), 32, 32)[0][0] != centres[0]).any()


def test_boxes_are_in_the_files_own_pixels(tmp_path, turned):
    boxed = replace(images(turned[1]), boxes=(Box(0, 0, 30, 20),))
    assert boxed.told == (
        "1 of 1 images carry an EXIF orientation, which is not applied (ImageNet's convention); boxes are in the "
        "file's own pixels",
    )


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> Path:
    return make_weights(tmp_path_factory.mktemp("net") / "A.safetensors", "vgg11", classes=("cat", "dog"))


@pytest.fixture
def root(tmp_path) -> Path:
    """Two classes in two sets of the same pictures: upright from the start, and turned by EXIF but for one."""
    for k in range(4):
        upright = make_image((26 + k, 40), k)
        name = f"{('cat', 'dog')[k % 2]}/{k}.png"
        for folder in ("upright", "turned"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
        upright.save(tmp_path / "upright" / name)
        stored = upright.transpose(Image.Transpose.ROTATE_90) if k else upright
        stored.save(tmp_path / "turned" / name, exif=exif(6 if k else 1))
    return tmp_path


def run(net: Path, root: Path, name: str, out: str, *more: str) -> dict:
    common = f"--model vgg11 --weights {net} --protocol dense@224 --out {root / out} --store {root}/store"
    assert main([*common.split(), "--workers", "1", "--data", f"folder:{root / name}", "--save-posteriors", *more]) == 0
    return json.loads((root / out / "results.json").read_text())[0] if "--dry-run" not in more else {}


def test_exif_is_said_once_applied_on_demand_and_named(net, root, capsys):
    upright, plain = run(net, root, "upright", "a"), run(net, root, "turned", "b")
    said = f"3 of 4 images {NOT_APPLIED}"
    assert capsys.readouterr().err.count(said) == 1
    assert (root / "b" / "results.md").read_text().count(said) == 1
    applied = run(net, root, "turned", "c", "--exif")
    found = [np.load(row["posteriors"])["posteriors"] for row in (upright, plain, applied)]
    assert np.array_equal(found[0], found[2])  # blocks of the other rule are not taken for these
    assert not np.array_equal(found[1], found[2])
    assert plain["signature"].replace(",noEXIF,", ",EXIF,") == applied["signature"]
    assert upright["signature"].count(",noEXIF,") == 1
    assert [read_origin(root / out).exif for out in "bc"] == [False, True]
    places = _places(read_origin(root / "c"))
    assert {place.exif for place in places.values()} == {True}
    assert inspect([str(root / "c")]) == 0


def test_the_plan_counts_turned_sizes(net, root, capsys):
    plans = []
    for name, more in (("upright", ()), ("turned", ("--exif",)), ("turned", ())):
        run(net, root, name, "x", "--dry-run", *more)
        plans.append(capsys.readouterr().out)
    assert plans[0] == plans[1] == plans[2]  # dense: as many pixels either way
    with_exif, without = (size_in(root / "turned" / "dog" / "1.png", None, applied) for applied in (True, False))
    assert with_exif == (without[1], without[0]) == (27, 40)


def test_predict_turns_unless_told_not_to(net, root, capsys):
    words = f"--model vgg11 --weights {net} --protocol dense@224 --workers 1".split()
    names = [str(root / name / "dog" / "1.png") for name in ("upright", "turned")]

    def best(*more: str) -> tuple[list[list[str]], str]:
        assert predict([*names, *words, *more]) == 0
        out, err = capsys.readouterr()
        lines = out.splitlines()
        half = len(lines) // 2
        return [lines[1:half], lines[half + 1 :]], err

    (one, other), err = best()
    assert one == other
    assert "EXIF orientation is applied (--no-exif" in err
    assert "1 of 2 images carry an EXIF orientation, which is applied" in err
    (one, other), err = best("--no-exif")
    assert one != other
    assert "EXIF orientation is not applied (--exif" in err


def test_exif_is_refused_where_boxes_are_of_stored_pixels(monkeypatch, turned):
    boxed = replace(images(turned[1]), boxes=(Box(0, 0, 30, 20),))
    voc = open_data.__globals__["DATASETS"]["voc2007"]._replace(read=lambda *_: boxed)
    monkeypatch.setitem(open_data.__globals__["DATASETS"], "voc2007", voc)
    assert len(open_data(DataSpec("voc2007:x"))) == 1
    with pytest.raises(UserError, match=r"--exif: the boxes of voc2007 .* leave --exif out"):
        open_data(DataSpec("voc2007:x", exif=True))


def test_the_command_for_a_training_says_exif_only_where_it_is_asked_for():
    assert "--exif" in DataSpec("shapes", exif=True).words
    assert "--exif" not in DataSpec("shapes").words
