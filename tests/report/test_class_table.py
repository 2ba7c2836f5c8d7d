"""Classes in a report: the counts are the row's, and the page sorts, searches and draws them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_rows import STRANGE, made_row
from playwright.sync_api import Page, expect

from bench.report import class_order
from bench.report.class_order import clustered
from bench.report.page import page as whole_page
from bench.report.rows import ReportRow
from bench.report.section import Section
from bench.report.sections.classes import section
from results.confusion import by_class, confusion_cells, frequent_confusions

NAMES = [f"class {letter}" for letter in "gfedcba"]
Open = Callable[[Section], None]


@pytest.fixture
def opened(page: Page, tmp_path: Path) -> Open:
    def open_page(shown: Section) -> None:
        (tmp_path / "page.html").write_text(whole_page("a page", [shown]), encoding="utf-8")
        page.goto((tmp_path / "page.html").as_uri())

    return open_page


@pytest.fixture(scope="module")
def rows() -> list[ReportRow]:
    return [made_row(1, NAMES, 210, sharpness=4), made_row(2, NAMES, 210, seed=1, sharpness=3)]


def column(page: Page, place: int) -> list[str]:
    return page.locator(f"#classes-table tbody td:nth-child({place})").all_inner_texts()


def drawn(page: Page) -> dict[str, Any]:
    page.locator("#classes-plot").scroll_into_view_if_needed()
    page.wait_for_selector("#classes-plot[data-drawn]")
    figure: dict[str, Any] = page.evaluate("window.report.figures['classes-matrix']")
    return figure


def diagonal(cells: dict[str, Any]) -> int:
    pairs = zip(cells["true"], cells["predicted"], cells["images"], strict=True)
    return sum(images for true, predicted, images in pairs if true == predicted)


def test_scripts_get_the_rows_counts(rows: list[ReportRow]) -> None:
    data = section(rows).data
    for row, cells in zip(rows, data["rows"], strict=True):
        n, wrong1, _ = row.row.counts
        assert (sum(cells["images"]), diagonal(cells)) == (n, n - wrong1)
    assert [each["names"] for each in data["sets"]] == [tuple(NAMES)]


def test_a_row_says_why_its_counts_are_no_plain_ones(opened: Open, page: Page) -> None:
    plain, other = made_row(1, NAMES, 70), made_row(2, NAMES, 70)
    doubtful = replace(other.row, ties=(70, 0), signature=f"{other.row.signature} labels=real")
    opened(section([plain, replace(other, inspection=replace(other.inspection, row=doubtful))]))
    expect(page.locator("#classes-note")).to_have_text("")
    page.select_option("#classes-row", "1")
    expect(page.locator("#classes-note")).to_contain_text("Ties decide more than 1 % of the images")
    expect(page.locator("#classes-note")).to_contain_text("Several classes are right for an image")


def test_only_competing_classes_are_there() -> None:
    row = made_row(1, NAMES, 7, competing=[4, 2, 6, 0, 1, 3, 5])
    found = section([row]).data
    assert found["sets"][0]["names"] == tuple(NAMES[place] for place in (4, 2, 6, 0, 1, 3, 5))
    assert sorted(found["rows"][0]["true"]) == sorted(
        [4, 2, 6, 0, 1, 3, 5].index(label) for label in row.inspection.predictions["label"]
    )


@pytest.mark.parametrize("number", [0, 1])
def test_the_page_says_what_inspection_says(rows: list[ReportRow], opened: Open, page: Page, number: int) -> None:
    opened(section(rows))
    page.select_option("#classes-row", str(number))
    table = by_class(rows[number].inspection.matrix)
    cells = [line.split("\t") for line in page.locator("#classes-table tbody tr").all_inner_texts()]
    lines = {name: measures for _, name, *measures in cells}
    for name, found in table.iterrows():
        shares = [f"{100 * found[measure]:.2f}" for measure in ("recall", "precision", "f1")]
        assert lines[str(name)] == [str(int(found["images"])), *shares]
    pairs = frequent_confusions(rows[number].inspection.matrix)
    shown = page.locator("#classes-confusions tbody tr").all_inner_texts()
    wanted = [f"{one}\t{other}\t{n}\t{100 * share:.2f}" for one, other, n, share in pairs.head(20).to_numpy()]
    assert shown == wanted
    text = drawn(page)["data"][0]["text"]
    counts = rows[number].row.counts
    assert sum(int(text[k][k] or 0) for k in range(len(NAMES))) == counts.n - counts.wrong1
    assert sum(int(cell or 0) for line in text for cell in line) == counts.n


def test_readers_without_scripts_see_the_first_lines_of_the_same(
    rows: list[ReportRow], opened: Open, page: Page
) -> None:
    shown = section(rows)
    opened(shown)
    for name, own in (("table", "worst"), ("confusions", "confusions")):
        lines = page.locator(f"#classes-{name} tbody tr").all_inner_texts()
        assert lines == ["\t".join(line) for line in shown.values[own]]


@pytest.mark.parametrize(("head", "place"), [("no.", 1), ("n", 3), ("recall", 4), ("precision", 5), ("F1", 6)])
def test_every_number_sorts_both_ways_and_what_is_undefined_comes_last(
    opened: Open, page: Page, head: str, place: int
) -> None:
    opened(section([made_row(1, [f"class {k}" for k in range(40)], 30, sharpness=3)]))
    page.locator("#classes-table").get_by_role("button", name=head, exact=True).click()
    once = column(page, place)
    page.locator("#classes-table").get_by_role("button", name=head, exact=True).click()
    twice = column(page, place)
    ways = ("descending", "ascending") if head == "F1" else ("ascending", "descending")  # F1 is sorted when it opens
    assert page.locator(f"#classes-table th:nth-child({place})").get_attribute("aria-sort") == ways[1]
    assert column(page, 2) == [f"class {number}" for number in column(page, 1)]
    assert page.locator("#classes-table th[aria-sort]").count() == 1
    for way, cells in zip(ways, (once, twice), strict=True):
        numbers = [float(cell) for cell in cells if cell != "–"]
        assert numbers == sorted(numbers, reverse=way == "descending")
        assert set(cells[len(numbers) :]) <= {"–"}
    assert ("–" in once) == (head in ("recall", "precision", "F1"))


def test_names_sort_as_people_count(opened: Open, page: Page) -> None:
    opened(section([made_row(1, ["class 10", "class 9", "Class 1"], 30)]))
    page.locator("#classes-table").get_by_role("button", name="class", exact=True).click()
    assert column(page, 2) == ["Class 1", "class 9", "class 10"]


def test_a_search_says_how_many_it_finds(opened: Open, page: Page) -> None:
    opened(section([made_row(1, [f"class {k}" for k in range(240)], 480)]))
    expect(page.locator("#classes-found")).to_have_text("240 of 240 classes, the first 100 shown")
    assert len(column(page, 2)) == 100
    page.locator("#classes-all").click()
    assert len(column(page, 2)) == 240
    page.get_by_label("Classes with").fill("CLASS 23")
    expect(page.locator("#classes-found")).to_have_text("11 of 240 classes")
    assert sorted(column(page, 2)) == sorted(["class 23", *(f"class 23{k}" for k in range(10))])


def test_names_of_strangers_are_text(opened: Open, page: Page) -> None:
    """The page's fixture fails for a dialog or an error."""
    opened(section([made_row(1, STRANGE, 12 * 30, sharpness=4)]))
    names = column(page, 2)
    assert {"<script>alert(1)</script>", "<a href='http://nowhere.invalid'>link</a>", "(no name)"} <= set(names)
    assert {"twin [8]", "twin [9]", "\\u202eright to left"} <= set(names)
    drawn(page)
    ticks = page.locator("#classes-plot .ytick").all_text_contents()
    assert {"<script>alert(1)</script>", "%{x} {{ values }} $\\alpha$", "<b>&amp;</b><br>"} <= set(ticks)
    assert page.locator("#classes-plot a").count() == 0


def test_the_matrix_moves_by_keys_buttons_and_mouse(opened: Open, page: Page) -> None:
    opened(section([made_row(1, [f"class {k}" for k in range(600)], 1200, sharpness=3)]))
    figure = drawn(page)
    assert len(figure["data"][0]["z"]) == 200  # three classes a cell
    shown, plot = page.locator("#classes-shown"), page.locator("#classes-plot")
    expect(shown).to_contain_text("True classes 0 to 599, taken for 0 to 599")
    plot.focus()
    page.keyboard.press("+")
    expect(shown).to_contain_text("True classes 150 to 449, taken for 150 to 449")
    page.keyboard.press("ArrowRight")
    expect(shown).to_contain_text("True classes 150 to 449, taken for 225 to 524")
    page.get_by_role("button", name="down").click()
    expect(shown).to_contain_text("True classes 225 to 524, taken for 225 to 524")
    page.get_by_role("button", name="whole").click()
    expect(shown).to_contain_text("True classes 0 to 599, taken for 0 to 599")
    surface = page.locator("#classes-plot .nsewdrag")
    plot.evaluate("(element) => element.scrollIntoView({block: 'end', behavior: 'instant'})")
    box = surface.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.75 * box["height"], steps=4)
    page.mouse.up()
    expect(shown).not_to_contain_text("1 to 600")
    low, high = page.evaluate("window.report.figures['classes-matrix'].layout.xaxis.range")
    assert (low, high) == (pytest.approx(300, abs=6), pytest.approx(450, abs=6))


def test_classes_that_are_taken_for_each_other_stand_together() -> None:
    """Of 30 classes each is taken for that 15 further on."""
    labels = np.repeat(np.arange(30), 10)
    predicted = np.where(np.arange(300) % 2, labels, (labels + 15) % 30)
    order = clustered([confusion_cells(pd.Series(labels), pd.Series(predicted), range(30))], 30)
    assert order is not None
    assert sorted(order) == list(range(30))
    pairs = {frozenset(order[place : place + 2]) for place in range(0, 30, 2)}
    assert pairs == {frozenset((k, k + 15)) for k in range(15)}


@pytest.mark.parametrize("classes", [1, 2, 31])
def test_too_few_and_too_many_classes_keep_their_order(monkeypatch: pytest.MonkeyPatch, classes: int) -> None:
    monkeypatch.setattr(class_order, "MOST", 30)
    labels: Sequence[int] = range(classes)
    assert clustered([confusion_cells(pd.Series(labels), pd.Series(labels), range(classes))], classes) is None


def test_the_order_may_be_that_of_clusters(opened: Open, page: Page) -> None:
    shown = section([made_row(1, [f"class {k}" for k in range(8)], 400, sharpness=1)])
    opened(shown)
    drawn(page)
    page.get_by_label("Order of classes").select_option("clustered")
    ticks = page.evaluate("window.report.figures['classes-matrix'].layout.xaxis.ticktext")
    assert ticks == [f"class {k}" for k in shown.data["sets"][0]["clustered"]]
    total = page.evaluate(
        "window.report.figures['classes-matrix'].data[0].text.flat().reduce((a, b) => a + Number(b), 0)"
    )
    assert total == 400
