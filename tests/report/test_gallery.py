"""The gallery of mistakes in a browser: its counts are the tables', names are text, and all of it works by keyboard."""

import json
import shutil
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_image
from made_gallery import CLASSES, COUNT, HOSTILE, counted, evaluated, field, opened, page_of, section_of
from playwright.sync_api import Page, expect

from bench.report.page import script_json
from bench.report.rows import report_rows
from bench.report.same_images import same_images
from bench.report.section import PICTURES
from bench.report.sections import mistakes
from bench.run.__main__ import main as evaluate
from bench.stored.run import open_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluated(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def html(run: Path) -> Path:
    return page_of(run, run.parent / "page.html")


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


def test_runs_on_other_images_stand_apart(run: Path, tmp_path: Path) -> None:
    """The same names, other pictures: no row of the one is compared with one of the other."""
    images = Path(shutil.copytree(run.parent / "images", tmp_path / "images"))
    make_image((60, 40), 1000).save(images / "00.png")
    words = f"--model vgg11 --weights {run.parent}/0.safetensors --data list:{images}/labels.txt --protocol centre@224"
    out = f"--out {tmp_path}/run --store {tmp_path}/store"
    assert evaluate([*words.split(), *out.split()]) == 0
    section = section_of(run, tmp_path / "run", pictures=0)
    assert [row["set"] for row in section.data["rows"]] == [0, 0, 0, 1]


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
