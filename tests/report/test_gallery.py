"""The gallery of mistakes in a browser: its counts are the tables', names are text, and all of it works by keyboard."""

import json
import re
import shutil
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_image, make_weights
from playwright.sync_api import Locator, Page, expect

from bench.report.__main__ import main as report
from bench.report.mistakes import image_sets
from bench.report.page import script_json
from bench.report.rows import report_rows
from bench.report.same_images import same_images
from bench.report.section import PICTURES, Section
from bench.report.sections import mistakes
from bench.report.thumbnails import chosen
from bench.run.__main__ import main as evaluate
from bench.stored.run import open_run
from results.score_maps import load_score_maps, save_score_maps

CLASSES = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a & b", 'c"d', "e", "f", "g")
HOSTILE = '"><img src=x onerror=alert(1)>.png'
COUNT = 70


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nets and their fusion on 70 images, one of them with a name that is markup."""
    folder = tmp_path_factory.mktemp("gallery")
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


@pytest.fixture(scope="module")
def html(run: Path) -> Path:
    return page_of(run, run.parent / "page.html")


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


def wrong_ids(run: Path) -> list[set[str]]:
    tables = [row.inspection.predictions for row in report_rows([open_run(run)])]
    return [set(table["id"][table["rank"] > 1]) for table in tables]


def shown_ids(page: Page) -> set[str]:
    while (more := page.locator("#mistakes-more")).is_visible():
        more.click()
    return set(page.locator("#mistakes-cards .id").all_inner_texts())


def test_each_row_has_as_many_mistakes_as_its_table_says(page: Page, html: Path, run: Path) -> None:
    opened(page, html)
    for number, record in enumerate(json.loads((run / "results.json").read_text()), 1):
        field(page, "Row A").select_option(f"row{number}")
        assert counted(page) == (record["wrong1"], record["wrong1"])
        assert len(shown_ids(page)) == page.locator("#mistakes-cards li").count() == record["wrong1"]


def test_two_rows_are_told_apart_image_by_image(page: Page, html: Path, run: Path) -> None:
    opened(page, html)
    wrong = wrong_ids(run)
    for a, b in permutations(range(3), 2):
        expected = {
            "a": wrong[a],
            "only-a": wrong[a] - wrong[b],
            "only-b": wrong[b] - wrong[a],
            "differ": wrong[a] ^ wrong[b],
            "both": wrong[a] & wrong[b],
        }
        assert wrong[a] != wrong[b]
        for which, ids in expected.items():
            page.evaluate(f"report.gallery.show('row{a + 1}', 'row{b + 1}', '{which}')")
            assert counted(page)[0] == len(ids)
            assert shown_ids(page) == ids


def test_a_pair_leads_to_its_images(page: Page, html: Path, run: Path) -> None:
    opened(page, html)
    wrong = wrong_ids(run)
    page.locator("[data-pair='row2-row1']").click()
    for number, ids in ((0, wrong[1] - wrong[0]), (1, wrong[0] - wrong[1])):
        page.get_by_role("button", name="Show them among the mistakes").nth(number).click()
        assert counted(page) == (len(ids), len(ids))
        assert shown_ids(page) == ids


def test_filters_find_what_the_table_of_images_has(page: Page, html: Path, run: Path) -> None:
    opened(page, html)
    table = report_rows([open_run(run)])[0].inspection.predictions
    bad = table[table["rank"] > 1]
    for label, name in ((0, CLASSES[0]), (4, "E ")):  # the whole name, whatever else holds an e
        field(page, "True class").fill(name)
        assert counted(page) == (len(bad), int((bad["label"] == label).sum()))
    field(page, "True class").fill("")
    field(page, "Predicted class").fill("ALERT(1)")  # part of two names
    expected = int(bad["predicted"].isin([0, 1]).sum())
    assert counted(page) == (len(bad), expected)
    field(page, "Predicted class").fill("")
    field(page, "Image").fill("onerror")
    assert counted(page)[1] == int(bad["id"].str.contains("onerror").sum())
    page.get_by_role("button", name="All mistakes").click()
    expect(page.locator("#mistakes-count")).to_contain_text(f"on {len(bad)} images;")


def test_orders_are_by_confidence_and_rank(page: Page, html: Path, run: Path) -> None:
    opened(page, html)
    row = report_rows([open_run(run)])[0]
    surest = row.inspection.mistakes(COUNT)
    first = page.locator("#mistakes-cards .id").first
    assert first.inner_text() == surest["id"].iloc[0]
    field(page, "Order").select_option("unsure")
    assert first.inner_text() == surest["id"].iloc[-1]
    field(page, "Order").select_option("rank")
    assert f"rank {surest['true_rank'].max()}" in page.locator("#mistakes-cards li").first.inner_text()


def test_names_that_are_markup_stand_there_as_text(page: Page, html: Path, run: Path) -> None:
    """Had any of them run, the browser's fixture would have failed the test."""
    opened(page, html)
    assert any(HOSTILE in ids for ids in wrong_ids(run))
    row = next(number for number, ids in enumerate(wrong_ids(run), 1) if HOSTILE in ids)
    field(page, "Row A").select_option(f"row{row}")
    field(page, "Image").fill(HOSTILE)
    assert shown_ids(page) == {HOSTILE}
    alternative = page.locator("#mistakes-cards img").get_attribute("alt") or ""
    table = report_rows([open_run(run)])[row - 1].inspection.mistakes(COUNT).set_index("id").loc[HOSTILE]
    said = f"predicted {table['predicted']} ({100 * table['confidence']:.1f} %)"
    assert alternative == f"{HOSTILE}: truth {table['true']}, {said}"
    page.locator("#mistakes-cards").get_by_role("button", name=alternative).click()
    assert page.get_by_role("dialog").get_by_role("heading").inner_text() == HOSTILE
    assert page.locator("#mistakes img[src=x], #mistakes script").count() == 0
    options = page.locator("#mistakes-classes option").evaluate_all("each => each.map(one => one.value)")
    assert tuple(options) == CLASSES


def test_a_card_opens_and_closes_by_keyboard(page: Page, html: Path, run: Path) -> None:
    opened(page, html)
    button = page.locator("#mistakes-cards button").first
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    records = json.loads((run / "results.json").read_text())
    assert dialog.locator("tbody tr").count() == len(records)
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert button.evaluate("each => each === document.activeElement")


def test_what_scrolls_is_reached_by_keyboard_and_buttons_are_named_by_what_they_show(page: Page, html: Path) -> None:
    opened(page, html)
    page.locator("[data-pair]").first.click()
    page.locator("#mistakes-cards button").first.click()
    assert page.locator(".scroll:visible").count() > 3
    assert page.locator(".scroll:not([tabindex='0'][aria-label])").count() == 0
    named = page.locator("button[aria-label]").evaluate_all("each => each.map(one => [one.ariaLabel, one.innerText])")
    words = [(name, " ".join(text.split())) for name, text in named]
    assert [(name, text) for name, text in words if len(text) > 1 and text not in name] == []
    assert page.locator("th").evaluate_all("each => each.filter(one => !one.textContent.trim()).length") == 0


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


def test_runs_on_other_images_stand_apart(run: Path, tmp_path: Path) -> None:
    """The same names, other pictures: no row of the one is compared with one of the other."""
    images = Path(shutil.copytree(run.parent / "images", tmp_path / "images"))
    make_image((60, 40), 1000).save(images / "00.png")
    words = f"--model vgg11 --weights {run.parent}/0.safetensors --data list:{images}/labels.txt --protocol centre@224"
    out = f"--out {tmp_path}/run --store {tmp_path}/store"
    assert evaluate([*words.split(), *out.split()]) == 0
    section = section_of(run, tmp_path / "run", pictures=0)
    assert [row["set"] for row in section.data["rows"]] == [0, 0, 0, 1]


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


def test_data_of_fifty_thousand_images_and_a_thousand_classes_stay_small(run: Path) -> None:
    """Two rows that have every second image wrong, each in its own way, with ImageNet's long names."""
    count, random = 50_000, np.random.default_rng(0)
    names = [f"{k:03d} {'n' * 12}" for k in range(1000)]
    labels = np.arange(count) % 1000
    (first, *_) = report_rows([open_run(run)])
    rows = []
    for number in (1, 2):
        rank = np.where(random.random(count) < 0.5, 1, random.integers(2, 1001, count))
        table = {
            "id": [f"n{label:08d}/ILSVRC2012_val_{k:08d}.JPEG" for k, label in enumerate(labels)],
            "label": labels,
            "predicted": np.where(rank > 1, (labels + random.integers(1, 1000, count)) % 1000, labels),
            "confidence": random.random(count),
            "rank": rank,
        }
        inspection = replace(first.inspection, predictions=pd.DataFrame(table), names=names)
        rows.append(replace(first, number=number, inspection=inspection))
    section = mistakes.section(rows, same_images(rows), 0)
    assert section.values["wrong"] > 0.7 * count
    pictures = PICTURES * 4 / 3 * 12_000  # of noise, which JPEG makes large
    assert len(script_json(section.data)) + pictures < 8e6
