"""Pictures of mistakes: whatever names hold, and however large images are, they fit."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.pictures.captions import caption
from bench.pictures.contact_sheet import ACROSS, MARGIN, SIDE, contact_sheet
from bench.pictures.diagrams import plot_confusion, plot_reliability
from results.calibration import reliability

NAMES = [
    "plain",
    "$x_1",
    "$\\frac{1}$",
    "two\nlines",
    "\u732b \u043a\u043b\u044e\u0447",
    "\ud800\udce9",
    "\x00\x1b[0m",
    "",
    "long " * 40,
]


@pytest.mark.parametrize("room", [1, 5, 12, 28, 100])
def test_a_caption_fits_and_keeps_beginning_and_end(room):
    for name in NAMES:
        short = caption(name, room)
        plain = " ".join(name.split())
        assert len(short) <= room
        assert short.isprintable()
        if len(plain) > room >= 5:
            assert short[0] == plain[0]
            assert short[-1] == plain[-1] or not plain[-1].isprintable()


def test_a_caption_that_fits_is_the_name():
    assert caption(" a  b\n", 3) == "a b"
    assert caption("name", 0) == "…"


@pytest.mark.parametrize("classes", [1, 5, 40])
def test_any_names_can_be_drawn(tmp_path, classes):
    names = [f"{NAMES[k % len(NAMES)]}{k}" for k in range(classes)]
    axis = pd.Index(names, dtype=object)  # with pyarrow beside it pandas would take UTF-8 alone
    matrix = pd.DataFrame(np.eye(classes, dtype=int) * 12_345, axis, axis)
    plot_confusion(matrix, tmp_path / "confusion.png", "data $x_1, a long title " * 9)
    assert min(Image.open(tmp_path / "confusion.png").size) > 300


def test_a_class_without_images_can_be_drawn(tmp_path):
    plot_confusion(pd.DataFrame([[0, 0], [3, 1]], ["a", "b"], ["a", "b"]), tmp_path / "confusion.png", "title")


def test_empty_bins_can_be_drawn(tmp_path):
    plot_reliability(reliability(np.array([0.9]), np.array([False])), 0.9, tmp_path / "calibration.png", "$x_1")


@pytest.fixture
def sheet(tmp_path):
    """A contact sheet of red images of these sizes."""

    def sheet(*sizes: tuple[int, int]) -> np.ndarray:
        paths = {str(k): tmp_path / f"{k}.png" for k in range(len(sizes))}
        for path, size in zip(paths.values(), sizes, strict=True):
            Image.new("RGB", size, (255, 0, 0)).save(path)
        (tmp_path / "broken").write_bytes(b"no image")
        paths["broken"] = tmp_path / "broken"
        ids = [*paths, "gone"]
        mistakes = pd.DataFrame({"id": ids, "true": "a" * 99, "predicted": NAMES[1], "confidence": 0.5})
        contact_sheet(mistakes, {name: (path, None) for name, path in paths.items()}, tmp_path / "sheet.png")
        return np.array(Image.open(tmp_path / "sheet.png"))

    return sheet


def test_portrait_and_landscape_are_shown_whole(sheet):
    pixels = sheet((400, 200), (200, 400), (20, 20))
    red = (pixels == (255, 0, 0)).all(2)
    for place, (width, height) in enumerate([(SIDE, SIDE // 2), (SIDE // 2, SIDE), (SIDE, SIDE)]):
        left = MARGIN + place * (SIDE + MARGIN)
        tile = red[MARGIN : MARGIN + SIDE, left : left + SIDE]
        assert (tile.any(0).sum(), tile.any(1).sum()) == (width, height)
    assert red.sum() == 2 * SIDE * SIDE


def test_rows_are_filled_one_after_the_other(sheet):
    one, two = sheet(*[(9, 9)] * (ACROSS - 2)), sheet(*[(9, 9)] * (ACROSS - 1))
    assert one.shape[1] == two.shape[1] == ACROSS * (SIDE + MARGIN) + MARGIN
    assert two.shape[0] == 2 * one.shape[0] - MARGIN
