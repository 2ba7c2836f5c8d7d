"""The pictures of a report in docs/images: a page about the built-in nets and images, in headless Chromium.

    python tests/benchmarks/report_pictures.py DIR [--store DIR]

DIR takes the run and its page; in a fresh store it is minutes of work on a CPU.
"""

import argparse
import shutil
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from bench.run.__main__ import main as evaluate

IMAGES = Path(__file__).resolve().parents[2] / "docs/images"
NETS = "--model D,E --weights builtin:D-256-512,builtin:E-256-512 --fuse"
PROTOCOLS = "--protocol dense@384,dense@256/384/512,multicrop@256/384/512,dense@256/384/512+multicrop@256/384/512"
WIDTH, COLOURS = 1200, 256


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path, metavar="DIR")
    words.add_argument("--store", type=Path, metavar="DIR", help="where blocks are (the user's cache folder)")
    options = words.parse_args()
    store = ["--store", str(options.store)] if options.store else []
    run = options.folder.absolute() / "run"
    assert evaluate([*NETS.split(), *PROTOCOLS.split(), "--html", "--out", str(run), *store]) == 0
    program = next(filter(None, map(shutil.which, ("google-chrome", "chromium", "chromium-browser"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        page = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
        page.goto((run / "report.html").as_uri())
        errors(page)
        classes(page)
        mistakes(page)
        browser.close()


def errors(page: Page) -> None:
    for k in (1, 5):
        page.locator(f"#figure-errors-top{k}-1").scroll_into_view_if_needed()
        page.locator(f"#figure-errors-top{k}-1 .point").first.wait_for()
    picture(page, "report-errors", "#errors-title", "#errors .side-by-side")


def classes(page: Page) -> None:
    """The tables of classes and confusions, and the matrix of the first row."""
    page.locator("#classes-plot").scroll_into_view_if_needed()
    page.locator("#classes-plot .heatmaplayer image").first.wait_for(state="attached")
    picture(page, "report-classes", "#classes-title", "#classes-plot")


def mistakes(page: Page) -> None:
    """Two rows of cards under score maps."""
    filters = page.locator("#mistakes-filters")
    filters.get_by_label("Score map").select_option("predicted")
    picture(page, "report-mistakes", "#mistakes-title", "#mistakes-cards li:nth-child(12)")


def picture(page: Page, name: str, first: str, last: str) -> None:
    """All from one element's top to another's bottom, as wide as the page."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    boxes = [page.locator(each).bounding_box() for each in (first, last)]
    scrolled = page.evaluate("scrollY")
    top, bottom = scrolled + boxes[0]["y"] - 12, scrolled + boxes[1]["y"] + boxes[1]["height"] + 12
    clip = {"x": 0, "y": top, "width": WIDTH, "height": bottom - top}
    shot = Image.open(BytesIO(page.screenshot(full_page=True, clip=clip))).convert("RGB")
    shot.quantize(COLOURS, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)
    print(f"{name}.png: {shot.width} x {shot.height}, {(IMAGES / f'{name}.png').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
