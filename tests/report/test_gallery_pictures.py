"""Pictures and score maps in the gallery of mistakes: which images have one, and what is said where there is none."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import make_image
from made_gallery import HOSTILE, counted, evaluated, field, opened, page_of, section_of
from playwright.sync_api import Page

from bench.report.mistakes import image_sets
from bench.report.rows import report_rows
from bench.report.same_images import same_images
from bench.report.thumbnails import chosen
from bench.run.__main__ import main as evaluate
from bench.stored.run import open_run
from results.score_maps import load_score_maps, save_score_maps


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluated(tmp_path_factory.mktemp("gallery"))


def test_pictures_are_small_and_no_more_than_asked_for(page: Page, run: Path, tmp_path: Path) -> None:
    opened(page, page_of(run, tmp_path / "few.html", "--pictures", "5"))
    field(page, "only with a picture").check()
    assert 1 <= page.locator("#mistakes-cards img").count() == counted(page)[1] <= 5
    field(page, "only with a picture").uncheck()
    without = page.locator("#mistakes-cards li").filter(has_text="no picture")
    assert without.count() == min(48, counted(page)[0]) - page.locator("#mistakes-cards img").count()
    sides = page.locator("#mistakes-cards img").evaluate_all("each => each.map(one => one.naturalWidth)")
    assert set(sides) == {144}
    assert "no picture" in opened(page, page_of(run, tmp_path / "none.html", "--pictures", "0")).content()


def test_images_that_are_gone_are_a_remark(run: Path, tmp_path: Path) -> None:
    images = run.parent / "images"
    moved = images.rename(run.parent / "moved")
    try:
        section = section_of(run)
        (remark,) = section.values["remarks"]
        assert remark.startswith("No pictures: ")
        assert section.values["pictures"] == 0
    finally:
        moved.rename(images)
    (images / HOSTILE).rename(tmp_path / "away.png")
    (images / HOSTILE).write_text("no image")
    try:
        section = section_of(run)
        count = section.values["wrong"]
        assert section.values["remarks"] == [
            f"1 of {count} images that were to be shown are not in the set as it is now, or cannot be read."
        ]
        assert section.values["pictures"] == count - 1
        make_image((60, 40), 1000).save(images / HOSTILE)
        section = section_of(run)
        assert section.values["remarks"] == [
            "1 of the pictures may not be what the nets saw: the files were written after the run."
        ]
        assert section.values["pictures"] == count
    finally:
        (tmp_path / "away.png").rename(images / HOSTILE)


def test_images_from_python_have_no_pictures(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    origin = json.loads((copy / "origin.json").read_text())
    (copy / "origin.json").write_text(json.dumps({**origin, "data": None}))
    section = section_of(copy)
    assert section.values["remarks"] == [
        "No pictures: the images were given from Python and are in no file that is known."
    ]


def test_pictures_go_to_sure_mistakes_and_to_images_on_which_rows_differ(run: Path) -> None:
    rows = report_rows([open_run(run)])
    (images,) = image_sets(rows, same_images(rows))
    few = chosen([images.mistakes], 6)
    assert [each.place for each in few[:3]] == list(dict.fromkeys(row.places[0] for row in images.mistakes))[:3]
    wrong = [set(row.places.tolist()) for row in images.mistakes]
    assert all(any(place in one for one in wrong) and not all(place in one for one in wrong) for _, place in few[3:])
    everything = chosen([images.mistakes], 1000)
    assert len(everything) == len(set(everything)) == len(images.ids) == len(set.union(*wrong))


@pytest.fixture(scope="module")
def dense_run(run: Path) -> Path:
    """A row with score maps of two mistakes, and one without a dense part."""
    folder = run.parent
    words = f"--model vgg11 --data list:{folder}/images/labels.txt --protocol centre@224,dense@224 --limit 12 --maps 2"
    out = ["--out", str(folder / "dense"), "--store", str(folder / "store")]
    assert evaluate([*words.split(), "--weights", str(folder / "0.safetensors"), *out]) == 0
    return folder / "dense"


def test_score_maps_lie_over_pictures_when_asked_for(page: Page, dense_run: Path, tmp_path: Path) -> None:
    opened(page, page_of(dense_run, tmp_path / "page.html"))
    laid = page.locator("#mistakes-cards .mapped img:last-child")
    field(page, "Row A").select_option("row2")
    assert laid.count() == 0
    surest = report_rows([open_run(dense_run)])[1].inspection.mistakes(2)
    for which, column in (("predicted", "predicted"), ("truth", "true")):
        field(page, "Score map").select_option(which)
        said = laid.evaluate_all("each => each.map(one => one.alt)")
        assert [text.partition(", at most")[0] for text in said] == [f"score map of {name}" for name in surest[column]]
        assert laid.evaluate_all("each => each.every(one => one.naturalWidth === 64)")
        assert page.locator("#mistakes-legend").is_visible()
    field(page, "Score map").select_option("")
    assert laid.count() == 0
    page.locator("#mistakes-cards button").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="predicted class").press("Enter")
    assert dialog.locator(".mapped img").count() == 2
    assert "black is 0, pale yellow the most" in dialog.inner_text()
    field(page, "Row A").evaluate("each => each.closest('section').querySelector('dialog').close()")
    field(page, "Row A").select_option("row1")
    field(page, "Score map").select_option("predicted")
    assert laid.count() == 0


def test_score_maps_of_another_run_or_damaged_ones_are_a_remark(dense_run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(dense_run, tmp_path / "run"))
    (file,) = (copy / "maps").iterdir()
    kept = load_score_maps(file)
    save_score_maps([replace(each, predicted=each.label) for each in kept], file)
    section = section_of(copy)
    assert section.values["maps"] == 0
    (remark,) = section.values["remarks"]
    assert remark.startswith("No score maps of row 2: those that were kept are of other mistakes")
    file.write_bytes(b"no archive")
    assert "are damaged" in section_of(copy).values["remarks"][0]
