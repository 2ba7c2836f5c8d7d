"""A run of two nets and their fusion for the gallery of mistakes, and what its page shows."""

import re
from pathlib import Path

from conftest import make_image, make_weights
from playwright.sync_api import Locator, Page

from bench.report.__main__ import main as report
from bench.report.rows import report_rows
from bench.report.same_images import same_images
from bench.report.section import PICTURES, Section
from bench.report.sections import mistakes
from bench.run.__main__ import main as evaluate
from bench.stored.run import open_run

CLASSES = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a & b", 'c"d', "e", "f", "g")
HOSTILE = '"><img src=x onerror=alert(1)>.png'
COUNT = 70


def evaluated(folder: Path) -> Path:
    """Two nets and their fusion on 70 images, one of them with a name that is markup."""
    (folder / "images").mkdir()
    names = [f"{k:02d}.png" for k in range(COUNT - 1)] + [HOSTILE]
    for k, name in enumerate(names):
        make_image((60, 40), k).save(folder / "images" / name)
    (folder / "images/labels.txt").write_text("".join(f"{name} {k % 7}\n" for k, name in enumerate(names)))
    weights = [make_weights(folder / f"{k}.safetensors", "vgg11", k, CLASSES) for k in (0, 1)]
    words = f"--model vgg11,vgg11 --fuse --data list:{folder}/images/labels.txt --protocol centre@224"
    out = ["--out", str(folder / "run"), "--store", str(folder / "store")]
    assert evaluate([*words.split(), "--weights", ",".join(map(str, weights)), *out]) == 0
    return folder / "run"


def page_of(run: Path, out: Path, *more: str) -> Path:
    assert report([str(run), "--out", str(out), *more]) == 0
    return out


def opened(page: Page, html: Path) -> Page:
    page.goto(html.as_uri())
    page.wait_for_selector("#mistakes-cards li")
    return page


def field(page: Page, label: str) -> Locator:
    return page.locator("#mistakes-filters").get_by_label(label)


def counted(page: Page) -> tuple[int, int]:
    """How many images the two rows choose, and how many of these match the filters."""
    text = page.locator("#mistakes-count").inner_text()
    found = re.search(r"wrong on (\d+) images?(?:, (\d+) of which match)?", text)
    assert found, text
    return int(found[1]), int(found[2] or found[1])


def section_of(*runs: Path, pictures: int = PICTURES) -> Section:
    rows = report_rows([open_run(run) for run in runs])
    return mistakes.section(rows, same_images(rows), pictures)
