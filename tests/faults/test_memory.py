"""Images that would fill the memory: evaluated or refused within 2 GB, by a process that measures itself."""

import io
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from conftest import ROOT, environment, make_weights
from PIL import Image

from bench.images.limits import LIMITS, MOST_ELONGATED, MOST_PIXELS

MOST = 2_000_000  # kB
MEASURED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))  # a protection that fails must not take the machine along
from bench.run.__main__ import main
code = main(sys.argv[1:])
# not ru_maxrss, which begins with the peak of the process that started this one
print("kB", open("/proc/self/status").read().split("VmHWM:")[1].split()[0], file=sys.stderr)
sys.exit(code)
"""


def chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


def png(width: int, height: int, rows: bytes) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def bomb(width: int, height: int) -> bytes:
    """A PNG of one colour, a few kB for any size."""
    squeezed = zlib.compressobj(9)
    rows = b"".join(squeezed.compress(bytes(1 + 3 * width)) for _ in range(height)) + squeezed.flush()
    return png(width, height, rows)


def claim(width: int, height: int) -> bytes:
    """A PNG that only says that it is so large."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> Path:
    return make_weights(tmp_path_factory.mktemp("net") / "D.safetensors", classes=("cat", "dog"))


def evaluated(net: Path, root: Path, protocol: str) -> tuple[int, list[str], int]:
    """Exit code, what was said, and the most memory that was taken, in kB."""
    (root / "list.txt").write_text("".join(f"{path.name} 0\n" for path in sorted(root.glob("*.*g"))))
    common = f"--model vgg16 --weights {net} --data list:{root}/list.txt --out {root}/out --store {root}/store"
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *common.split(), "--workers", "8", "--protocol", protocol],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    *said, measured = done.stderr.splitlines()
    assert measured.startswith("kB "), done.stderr
    return done.returncode, said, int(measured.split()[1])


def test_bombs_are_named(net, tmp_path, tried):
    """20000x10 would become 512000x256 at Q=256: 0.4 GB of pixels, and 33 GB in the first layer of VGG-16."""
    beyond = MOST_PIXELS // 8000 + 1
    Image.new("RGB", (20_000, 10)).save(tmp_path / "long.png")
    Image.new("RGB", (10, 10 * MOST_ELONGATED + 1)).save(tmp_path / "high.png")
    (tmp_path / "bomb.png").write_bytes(bomb(8000, beyond))
    for name, width, height in (("a", 10_000, 10_000), ("b", 50_000, 50_000), ("c", 2**31 - 1, 2**31 - 1)):
        (tmp_path / f"{name}.png").write_bytes(claim(width, height))
    (tmp_path / "p.jpg").write_bytes(b"P6 60000 60000 255\n" + bytes(1000))
    code, said, most = evaluated(net, tmp_path, "dense")
    assert (code, most < MOST) == (2, True)
    assert f"7 image(s) cannot be decoded, or are too large ({LIMITS})" in said[-1]
    assert all(f" {path.name}" in said[-1] for path in tmp_path.glob("*.*g"))
    tried("images", "decompression bombs, and 20000x10", 7, f"named, within {MOST / 1e6:.0f} GB")


@pytest.mark.parametrize("kind", ["of many pixels", "long ones", "of heavy formats"])
def test_the_largest_that_are_allowed_are_evaluated(net, tmp_path, every, tried, kind):
    """Many pixels are decoded one after the other; beside many long ones no second block is prepared."""
    if kind == "long ones":
        count, protocol = (64, "dense") if every else (10, "dense@512")
        file = io.BytesIO()
        Image.new("RGB", (100 * MOST_ELONGATED, 100), "red").save(file, "PNG")
        contents = [file.getvalue()]
    elif kind == "of heavy formats":
        count, protocol = 4, "centre@224"
        side = int((MOST_PIXELS // 2) ** 0.5) - 1 if every else 1500
        contents = []
        for form, mode in (("WEBP", "RGBA"), ("JPEG2000", "RGBA")):
            file = io.BytesIO()
            Image.new(mode, (side, side), "red").save(file, form)
            contents.append(file.getvalue())
    else:
        count, protocol = 12, "centre@224"
        side = int(MOST_PIXELS**0.5) if every else 5000
        contents = [bomb(side, side)]
        if every:
            file = io.BytesIO()
            Image.new("CMYK", (side, side)).save(file, "JPEG", progressive=True, subsampling=0)
            contents.append(file.getvalue())
    for k in range(count):
        (tmp_path / f"{k}.png").write_bytes(contents[k % len(contents)])
    code, said, most = evaluated(net, tmp_path, protocol)
    assert (code, said[-1][:10]) == (0, "written to")
    assert most < MOST, most
    tried("images", f"the largest that are allowed: {kind}", count, f"evaluated, within {MOST / 1e6:.0f} GB")
