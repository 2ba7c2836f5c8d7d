"""Small pictures of images in rows, each with what it is and what it was taken for, how surely."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from bench.images.dataset import Place
from bench.pictures.captions import caption
from bench.pictures.fitted import fitted

ACROSS = 6  # pictures in a row
SIDE = 200  # pixels; a picture fills it in one direction
MARGIN = 8
LINE = 17  # pixels of a line of text
LETTERS = 13  # pixels of its letters
Places = Mapping[str, Place]  # by id
INK, GREEN, RED = (110, 110, 110), (0, 100, 0), (180, 0, 0)


def contact_sheet(mistakes: pd.DataFrame, places: Places, file: Path) -> None:
    """Write a PNG with a picture of each line's `id`, its `true` and `predicted` class and the `confidence`."""
    across = min(ACROSS, len(mistakes))
    down = -(-len(mistakes) // across)
    width, height = SIDE + MARGIN, SIDE + 3 * LINE + 2 * MARGIN
    sheet = Image.new("RGB", (across * width + MARGIN, down * height + MARGIN), "white")
    font = _font()
    for number, mistake in enumerate(mistakes.to_dict("records")):
        left, top = MARGIN + number % across * width, MARGIN + number // across * height
        sheet.paste(_picture(places.get(mistake["id"]), font), (left, top))
        _write(ImageDraw.Draw(sheet), font, (left, top + SIDE + 2), mistake)
    sheet.save(file)


def _write(draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont, corner: tuple[int, int], mistake: dict) -> None:
    """Three lines below a picture: id, true class, and the predicted class behind its probability."""
    left, top = corner
    sure = f"{100 * mistake['confidence']:.1f} % "
    lines = (("", mistake["id"], INK), ("is ", mistake["true"], GREEN), (sure, mistake["predicted"], RED))
    for number, (before, name, colour) in enumerate(lines):
        text = before + caption(name, SIDE - font.getlength(before), font.getlength)
        draw.text((left, top + number * LINE), text, colour, font)


def _picture(place: Place | None, font: ImageFont.FreeTypeFont) -> Image.Image:
    """The whole image within a square, or in its place the remark that there is none."""
    tile = Image.new("RGB", (SIDE, SIDE), (235, 235, 235))
    image = fitted(place, SIDE) if place else None
    if image is None:
        ImageDraw.Draw(tile).text((SIDE / 2, SIDE / 2), "cannot be read", INK, font, anchor="mm")
    else:
        tile.paste(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2))
    return tile


def _font() -> ImageFont.FreeTypeFont:
    """matplotlib's own, which knows more letters than PIL's."""
    from matplotlib.font_manager import findfont

    return ImageFont.truetype(findfont("DejaVu Sans"), LETTERS)
