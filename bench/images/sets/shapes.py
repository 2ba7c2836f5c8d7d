"""The built-in data set: rendered scenes, one large patterned shape each, 6 shapes x 4 fills = 24 classes.

Everything is drawn from a frozen random stream with integer coordinates, so the pixels are the same on every machine.
"""

import math
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bench.images.dataset import Images, evenly_spaced
from bench.images.sets.rendered import is_made, keep_picture, make_pictures, read_made
from bench.interrupt import ours_alone
from bench.progress import progress

VERSION = 1  # part of the cache folder's name: raise it with every change that alters a pixel
SPLITS = {"train": 12_000, "val": 2_000}
SHAPES = ("disc", "square", "triangle", "star", "cross", "crescent")
FILLS = ("plain", "stripes", "checks", "dots")
CLASSES = tuple(f"{fill} {shape}" for shape in SHAPES for fill in FILLS)
ASPECTS = ((4, 3), (3, 4), (1, 1), (2, 1))  # width : height; the last one is the panorama
ASPECT_SHARES = (0.45, 0.25, 0.2, 0.1)
SUPERSAMPLE = 2  # drawn twice as large and averaged down, for smooth edges
WORTH_PROCESSES = 64  # pictures; fewer are drawn sooner than processes start

Point = tuple[float, float]
Colour = tuple[int, int, int]


def labels(split: str) -> np.ndarray:
    """Class index of every image of a split: balanced over the classes, in a fixed random order."""
    n = SPLITS[split]
    return np.random.RandomState([VERSION, list(SPLITS).index(split)]).permutation(np.arange(n) % len(CLASSES))


def render(split: str, index: int, label: int) -> Image.Image:
    """Draw one scene: RGB, shorter side 256 to 512 pixels."""
    random = np.random.RandomState([VERSION, list(SPLITS).index(split), index])
    short = random.randint(256, 513)
    across, down = ASPECTS[random.choice(len(ASPECTS), p=ASPECT_SHARES)]
    width, height = short * across // min(across, down), short * down // min(across, down)
    canvas = Image.new("RGB", (width * SUPERSAMPLE, height * SUPERSAMPLE), _colour(random))
    _clutter(random, canvas)
    side = short * SUPERSAMPLE
    for _ in range(random.randint(1, 4)):
        distractor = random.randint(len(CLASSES))
        _stamp(random, canvas, distractor, diameter=side * random.uniform(0.06, 0.15))
    _stamp(random, canvas, label, diameter=side * random.uniform(0.44, 0.92))
    return canvas.reduce(SUPERSAMPLE)


def _colour(random: np.random.RandomState) -> Colour:
    red, green, blue = (int(value) for value in random.randint(0, 256, 3))
    return red, green, blue


def _contrasting(random: np.random.RandomState, other: Colour) -> Colour:
    """A colour that differs from another by at least a third of the grey range, so that a fill can be seen."""
    while True:
        colour = _colour(random)
        if abs(sum(colour) - sum(other)) > 255:
            return colour


def _clutter(random: np.random.RandomState, canvas: Image.Image) -> None:
    """Triangles, ellipses and lines of any colour over the whole picture."""
    draw = ImageDraw.Draw(canvas)
    for kind in random.randint(0, 3, 14):
        x, y = random.uniform(0, canvas.width), random.uniform(0, canvas.height)
        reach = min(canvas.size) * random.uniform(0.05, 0.4)
        corners = [(x + dx, y + dy) for dx, dy in random.uniform(-reach, reach, (3, 2))]
        if kind == 0:
            draw.polygon(_whole(corners), fill=_colour(random))
        elif kind == 1:
            half = reach * random.uniform(0.2, 0.8)
            draw.ellipse(_whole([(x - reach, y - half), (x + reach, y + half)]), fill=_colour(random))
        else:
            draw.line(_whole(corners[:2]), fill=_colour(random), width=int(random.randint(2, 16)))


def _stamp(random: np.random.RandomState, canvas: Image.Image, label: int, diameter: float) -> None:
    """Draw one object of a class at a random place and angle, wholly inside the picture."""
    radius = diameter / 2
    x, y = random.uniform(radius, canvas.width - radius), random.uniform(radius, canvas.height - radius)
    angle = random.uniform(0, 2 * math.pi)
    cos, sin = math.cos(angle), math.sin(angle)

    def place(points: list[Point]) -> list[tuple[int, int]]:
        """From the object's own coordinates (unit circle) to the layer's pixels."""
        return _whole([(radius * (1 + u * cos - v * sin), radius * (1 + u * sin + v * cos)) for u, v in points])

    box = math.ceil(diameter) + 1
    paper = _colour(random)
    layer, mask = Image.new("RGB", (box, box), paper), Image.new("L", (box, box), 0)
    shape, fill = divmod(label, len(FILLS))
    _draw_fill(ImageDraw.Draw(layer), FILLS[fill], place, radius, _contrasting(random, paper))
    pen = ImageDraw.Draw(mask)
    pen.polygon(place(_outline(SHAPES[shape])), fill=255)
    canvas.paste(layer, (round(x - radius), round(y - radius)), mask)


def _draw_fill(draw: ImageDraw.ImageDraw, fill: str, place, radius: float, ink: Colour) -> None:
    pitch = 2 / 7  # the object is seven cells across
    cells = range(-4, 5)
    if fill == "stripes":
        for i in cells:
            left, right = (i - 0.25) * pitch, (i + 0.25) * pitch
            draw.polygon(place([(left, -1.5), (right, -1.5), (right, 1.5), (left, 1.5)]), fill=ink)
    elif fill == "checks":
        for i in cells:
            for j in cells:
                if (i + j) % 2 == 0:
                    u, v = i * pitch, j * pitch
                    h = pitch / 2
                    draw.polygon(place([(u - h, v - h), (u + h, v - h), (u + h, v + h), (u - h, v + h)]), fill=ink)
    elif fill == "dots":
        dot = round(radius * pitch * 0.32)
        for x, y in place([(i * pitch, j * pitch) for i in cells for j in cells]):
            draw.ellipse([(x - dot, y - dot), (x + dot, y + dot)], fill=ink)


def _outline(shape: str) -> list[Point]:
    """The shape's polygon inside the unit circle."""
    if shape == "disc":
        return _arc(0, 0, 0.95, 0, 2 * math.pi)
    if shape == "square":
        return _regular(4)
    if shape == "triangle":
        return _regular(3)
    if shape == "star":
        return [(r * u, r * v) for r, (u, v) in zip([1, 0.42] * 5, _regular(10), strict=True)]
    if shape == "cross":
        t = 0.3
        return [(t, 0.95), (t, t), (0.95, t), (0.95, -t), (t, -t), (t, -0.95),
                (-t, -0.95), (-t, -t), (-0.95, -t), (-0.95, t), (-t, t), (-t, 0.95)]  # fmt: skip
    # crescent: a disc less a smaller disc that reaches over its edge
    outer, inner, shift = 0.98, 0.72, 0.55
    meet = math.acos((outer**2 + shift**2 - inner**2) / (2 * outer * shift))
    turn = math.atan2(outer * math.sin(meet), outer * math.cos(meet) - shift)
    return _arc(0, 0, outer, meet, 2 * math.pi - meet) + _arc(shift, 0, inner, 2 * math.pi - turn, turn)


def _regular(corners: int) -> list[Point]:
    return [(math.cos(2 * math.pi * k / corners), math.sin(2 * math.pi * k / corners)) for k in range(corners)]


def _arc(u: float, v: float, radius: float, start: float, stop: float) -> list[Point]:
    angles = [start + (stop - start) * k / 72 for k in range(73)]
    return [(u + radius * math.cos(a), v + radius * math.sin(a)) for a in angles]


def _whole(points: list[Point]) -> list[tuple[int, int]]:
    return [(round(x), round(y)) for x, y in points]


def read_shapes(split: str, cache: Path, limit: int | None = None) -> Images:
    """The built-in data set's split, or `limit` images of it; those that the cache lacks are rendered first."""
    place, name = cache / f"shapes-v{VERSION}", f"shapes/{split}"
    if is_made(place / split):  # by an earlier version, which rendered all at once
        return read_made(place / split, name, CLASSES).limit(limit)
    folder, own = place / f"pictures-{split}", labels(split)
    numbers = evenly_spaced(len(own), limit)
    made = make_pictures(folder, numbers, partial(_render_all, split, folder))
    paths, digests = zip(*(made[number] for number in numbers), strict=True)
    return Images(
        name=name,
        sources=paths,
        ids=tuple(f"{number:05d}" for number in numbers),
        labels=own[numbers],
        classes=CLASSES,
        total=len(own),
        pixel_digests=digests,
        occurring=np.unique(own),
    )


def _render_all(split: str, folder: Path, numbers: Sequence[int]) -> Iterable[None]:
    work = partial(_render_to, split, folder)
    numbered = list(zip(numbers, labels(split)[numbers].tolist(), strict=True))
    what = f"rendering {split} images of shapes"
    if len(numbers) < WORTH_PROCESSES:
        yield from progress(map(work, numbered), len(numbers), what)
        return
    pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"))
    try:
        with ours_alone():
            made = pool.map(work, numbered, chunksize=32)
        yield from progress(made, len(numbers), what)
    finally:
        pool.shutdown(cancel_futures=True)


def _render_to(split: str, folder: Path, numbered_label: tuple[int, int]) -> None:
    keep_picture(folder, numbered_label[0], render(split, *numbered_label))
