"""Image files cut short, altered or misnamed: decoded as PIL decodes them, or named as undecodable."""

import faulthandler
import io
import random
import struct
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from conftest import ROOT, environment, make_image
from PIL import Image, features

from bench.images.dataset import Images
from bench.images.decoding import FORMATS
from bench.images.limits import MOST_ELONGATED, MOST_MEMORY, memory, too_many_scans, too_many_values
from bench.images.loader import Loader, Prepared
from bench.images.rescaling import rescale
from bench.images.scaling import Scaling

Q = 24
SAMPLE = 200
PATIENCE = 60.0  # seconds for one image: far above what any takes, even beside other work
MOST = 2_000_000  # kB
MEASURED = """
import resource, sys, warnings
from pathlib import Path
import numpy as np
from bench.images.dataset import Images
from bench.images.loader import Loader
from bench.images.scaling import Scaling
warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))  # a protection that fails must not take the machine along
paths = tuple(sorted(Path(sys.argv[1]).iterdir()))
images = Images("x", paths, tuple(map(str, paths)), np.zeros(len(paths), int), None, len(paths))
loader = Loader(images, 8)
for block in loader.blocks([(range(k, min(k + 32, len(paths))), (Scaling(24),)) for k in range(0, len(paths), 32)]):
    pass
loader.close()
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


class Case(NamedTuple):
    """What is wrong with a file, its name, and what is in it."""

    fault: str
    name: str
    content: bytes


def encoded(image: Image.Image, form: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def in_mode(mode: str, size: tuple[int, int]) -> Image.Image:
    image = make_image(size, 1)
    if mode == "I;16":
        return Image.fromarray(np.array(image.convert("L")).astype(np.uint16) * 257)
    if mode == "PA":
        return image.convert("P").convert("PA")
    if mode == "CMYK":
        return Image.merge("CMYK", [*image.split(), image.convert("L")])
    return image.convert(mode)


def originals() -> dict[str, bytes]:
    """Whole files in every format and mode that a photograph comes in."""
    noise = Image.fromarray(np.random.RandomState(0).randint(0, 256, (90, 120, 3)).astype(np.uint8))
    turned = Image.Exif()
    turned[0x0112] = 6
    found = {
        "baseline.jpg": encoded(noise, "JPEG", quality=90),
        "progressive.jpg": encoded(noise, "JPEG", quality=90, progressive=True),
        "cmyk.jpg": encoded(in_mode("CMYK", (90, 60)), "JPEG", quality=95),
        "grey.jpeg": encoded(noise.convert("L"), "JPEG", quality=95),
        "turned.JPG": encoded(make_image((60, 40), 2), "JPEG", exif=turned),
        "interlaced.webp": encoded(noise, "WEBP", lossless=True),
        "lossy.webp": encoded(noise, "WEBP"),
        "ascii.ppm": b"P3\n# a comment\n4 3\n255\n" + b" ".join(b"%d" % (7 * k) for k in range(36)),
        "deep.pgm": b"P5 8 6 65535\n" + bytes(range(96)),
        "jpeg2000.jpg": encoded(noise, "JPEG2000"),
    }
    frames = [make_image((40, 30), k) for k in range(3)]
    for name, form in (("animated.png", "PNG"), ("animated.webp", "WEBP"), ("pages.tif", "TIFF"), ("a.gif", "GIF")):
        found[name] = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    for form, suffix, modes in (
        ("PNG", "png", ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        ("BMP", "bmp", ("1", "L", "P", "RGB")),
        ("TIFF", "tiff", ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "YCbCr")),
    ):
        found |= {f"{mode.replace(';', '')}.{suffix}": encoded(in_mode(mode, (45, 33)), form) for mode in modes}
    found["transparent.jp2"] = encoded(noise.convert("RGBA"), "JPEG2000", tile_size=(64, 64))
    found["big.tif"] = encoded(noise, "TIFF", big_tiff=True, compression="tiff_lzw")
    found["tiles.tif"] = tiles()
    if features.check("avif"):
        found["avif.jpg"] = encoded(noise, "AVIF")
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        found[f"{compression}.tif"] = encoded(noise, "TIFF", compression=compression)
    return found


def tiles() -> bytes:
    """A grey TIFF of 40x30 in tiles of 16x16, which PIL does not write."""
    short, long, count = 3, 4, 6
    start = 8 + 2 + 10 * 12 + 4
    places, lengths, pixels = start, start + 4 * count, start + 8 * count
    tags = [(256, short, 1, 40), (257, short, 1, 30), (258, short, 1, 8), (259, short, 1, 1), (262, short, 1, 1),
            (277, short, 1, 1), (322, short, 1, 16), (323, short, 1, 16), (324, long, count, places),
            (325, long, count, lengths)]  # fmt: skip
    entries = b"".join(struct.pack("<HHLL", *tag) for tag in tags)
    arrays = struct.pack(f"<{2 * count}L", *(pixels + 256 * k for k in range(count)), *[256] * count)
    content = np.random.RandomState(3).bytes(256 * count)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + arrays + content


def truncated(files: dict[str, bytes]) -> Iterator[Case]:
    for name, content in files.items():
        for length in range(0, len(content), 64):
            yield Case("cut at every 64th byte", name, content[:length])


def altered(files: dict[str, bytes], times: int) -> Iterator[Case]:
    draw = random.Random(0)
    for name, content in files.items():
        for _ in range(times):
            changed = bytearray(content)
            for _ in range(draw.choice((1, 1, 2, 8))):
                # headers are where a decoder is led astray
                changed[draw.randrange(draw.choice((min(64, len(content)), len(content))))] = draw.choice(
                    (0, 127, 128, 255, draw.randrange(256))
                )
            yield Case("bytes altered", name, bytes(changed))


def misnamed(files: dict[str, bytes]) -> Iterator[Case]:
    for name, content in files.items():
        for suffix in ("jpg", "png", "ppm", "bmp", "pgm", "tif", "webp"):
            yield Case("another format's extension", f"{name}.{suffix}", content)


def nothing() -> Iterator[Case]:
    for suffix in ("jpg", "jpeg", "png", "ppm", "bmp", "pgm", "tif", "tiff", "webp"):
        for content in (b"", b"\0" * 5000, b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"<svg/>", b"MZ" * 99):
            yield Case("no image in it", f"x.{suffix}", content)


def sized() -> Iterator[Case]:
    sides = (1, 2, 3, 5, 10, 17, 64, 333, 1000, 20_000)
    for width in sides:
        for height in sides:
            if width * height <= 400_000:
                yield Case("from 1x1 to 20000x10", "x.png", encoded(Image.new("RGB", (width, height), "red"), "PNG"))


def all_cases() -> list[Case]:
    files = originals()
    fine = (Case("whole, in every mode", name, content) for name, content in files.items())
    return [*fine, *truncated(files), *altered(files, 30), *misnamed(files), *nothing(), *sized()]


def a_sample(cases: Sequence[Case]) -> list[Case]:
    """As many of each fault, as far as there are."""
    draw = random.Random(1)
    faults = list(dict.fromkeys(case.fault for case in cases))
    groups = [[case for case in cases if case.fault == fault] for fault in faults]
    return [case for group in groups for case in draw.sample(group, min(len(group), -(-SAMPLE // len(groups)) + 5))]


def by_pil(path: Path) -> torch.Tensor | None:
    """What PIL itself makes of a file, uint8 RGB (3, H, W); None where it raises or the image is beyond our limits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as image:
                width, height = image.size
                if max(width, height) > MOST_ELONGATED * min(width, height):
                    return None
                if memory(image, path.stat().st_size) > MOST_MEMORY:
                    return None
                with path.open("rb") as file:
                    if too_many_values(file) or too_many_scans(image, image.fp):
                        return None
                if image.format not in (*FORMATS, "MPO"):
                    return None
                pixels = in_8_bits(image)
        except Exception:  # which type is the plugin's affair
            return None
    return None if pixels is None else torch.from_numpy(pixels).permute(2, 0, 1)


def in_8_bits(image: Image.Image) -> np.ndarray | None:
    """By PIL, but for what it clips: grey of more than 8 bits loses the lowest ones, and what has no range is None."""
    tags = getattr(image, "tag_v2", {})
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF") or 2 in tags.get(339, ()):
        return None
    if not image.mode.startswith("I"):
        return np.array(image.convert("RGB"))
    grey = (np.array(image) >> tags.get(258, (16,))[0] - 8).astype(np.uint8)
    return np.stack([255 - grey if tags.get(262) == 0 else grey] * 3, -1)


def prepared(paths: Sequence[Path]) -> Iterator[Prepared | None]:
    """What the evaluation gets of these files."""
    names = tuple(map(str, paths))
    images = Images("x", tuple(paths), names, np.zeros(len(paths), int), None, len(paths))
    loader = Loader(images, 2)
    blocks = [(range(start, min(start + 32, len(paths))), (Scaling(Q),)) for start in range(0, len(paths), 32)]
    for block in loader.blocks(blocks):
        yield from block
    loader.close()


@pytest.fixture(scope="module")
def cases(every: bool) -> list[Case]:
    return all_cases() if every else a_sample(all_cases())


@pytest.mark.filterwarnings("ignore")
def test_every_file_is_decoded_as_pil_decodes_it_or_named(cases, every, tried, tmp_path):
    paths = []
    for number, case in enumerate(cases):
        paths.append(tmp_path / f"{number}-{case.name}")
        paths[-1].write_bytes(case.content)
    named: Counter[str] = Counter()
    faulthandler.dump_traceback_later(PATIENCE, exit=True, file=sys.__stderr__)  # one that hangs is not waited for
    for case, path, found in zip(cases, paths, prepared(paths), strict=True):
        expected = by_pil(path)
        assert (found is None) == (expected is None), path
        if found is None or expected is None:
            named[case.fault] += 1
        else:
            assert found.size == (expected.shape[2], expected.shape[1]), path
            assert torch.equal(found.at[Scaling(Q)], rescale(expected, Scaling(Q))), path
        faulthandler.dump_traceback_later(PATIENCE, exit=True, file=sys.__stderr__)
    faulthandler.cancel_dump_traceback_later()
    faults = Counter(case.fault for case in cases)
    assert sum(faults.values()) >= (2000 if every else SAMPLE)
    for fault, times in faults.items():
        tried("images", fault, times, f"{times - named[fault]} as PIL decodes them, {named[fault]} named")


def test_all_of_them_beside_each_other_take_little_memory_and_end(cases, tried, tmp_path):
    """In a process of its own, which measures itself, with scan bombs among them."""
    for number, case in enumerate(cases):
        (tmp_path / f"{number}-{case.name}").write_bytes(case.content)
    progressive = encoded(make_image((2000, 1500), 0), "JPEG", progressive=True)
    last = progressive.rindex(b"\xff\xda")
    (tmp_path / "scans.jpg").write_bytes(progressive[:last] + progressive[last:-2] * 3000 + progressive[-2:])
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, tmp_path],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60 + len(cases), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MOST
    tried("images", "all of these beside each other, by eight threads", len(cases) + 1, "within 2 GB, and they ended")


def test_a_truncated_jpeg_is_named_and_never_filled_up(every, tried, tmp_path):
    """The last bytes may be missing where all pixels are there; then they are those of the whole file."""
    whole = originals()["baseline.jpg"]
    lengths = range(0, len(whole), 1 if every else 97)
    paths = [tmp_path / f"{length}.jpg" for length in lengths]
    for path, length in zip(paths, lengths, strict=True):
        path.write_bytes(whole[:length])
    (tmp_path / "whole.jpg").write_bytes(whole)
    *cut, full = prepared([*paths, tmp_path / "whole.jpg"])
    assert full is not None
    kept = [length for found, length in zip(cut, lengths, strict=True) if found is not None]
    assert all(torch.equal(found.at[Scaling(Q)], full.at[Scaling(Q)]) for found in cut if found is not None)
    assert all(length > len(whole) - 64 for length in kept)
    tried("images", "a JPEG cut at any byte", len(lengths), "named, or nothing of the picture was missing")
