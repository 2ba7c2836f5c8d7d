"""The picture of a report's curves of precision and recall in docs/images, of a folder that bench.transfer wrote.

    python tests/benchmarks/transfer_picture.py RUN [--row N] [--class NAME] [--beside N]

Rows are counted from 1, as the page does.
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright
from report_pictures import WIDTH, picture

from bench.report.making import ReportRequest, make

NAME = "report-transfer"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("run", type=Path, metavar="RUN")
    words.add_argument("--row", type=int, default=1, metavar="N")
    words.add_argument("--class", dest="name", metavar="NAME")
    words.add_argument("--beside", type=int, metavar="N")
    options = words.parse_args()
    page_file = make(ReportRequest((options.run.absolute(),)))
    program = next(filter(None, map(shutil.which, ("google-chrome", "chromium", "chromium-browser"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        page = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
        page.goto(page_file.as_uri())
        choice = page.locator("#transfer-curves-choice")
        choice.locator("[name=row]").select_option(str(options.row - 1))
        if options.name:
            choice.locator("[name=class]").select_option(label=options.name)
        if options.beside:
            choice.locator("[name=beside]").select_option(str(options.beside - 1))
        page.locator("#transfer-curves-plot").scroll_into_view_if_needed()
        page.locator("#transfer-curves-plot .scatterlayer .trace").first.wait_for()
        picture(page, NAME, "#transfer-curves-title", "#transfer-curves > .side-by-side")
        browser.close()


if __name__ == "__main__":
    main()
