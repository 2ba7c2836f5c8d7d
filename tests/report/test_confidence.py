"""Confidence in a report: its numbers are the row's counts, and rows are chosen by ticking them."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from made_rows import STRANGE, made_row
from playwright.sync_api import Page

from bench.report.page import page as whole_page
from bench.report.rows import ReportRow
from bench.report.section import Section
from bench.report.sections.confidence import TOGETHER, section

NAMES = [f"class {k}" for k in range(12)]


@pytest.fixture(scope="module")
def rows() -> list[ReportRow]:
    return [made_row(number, NAMES, 240, seed=number, sharpness=3 + number / 4) for number in range(1, 9)]


def cells(found: Section, name: str, row: ReportRow) -> list[Sequence[str]]:
    return [line[1:] for line in found.figures[f"confidence-{name}"].cells if line[0] == row.label]


def test_top_k_errors_are_the_rows_counts(rows: list[ReportRow]) -> None:
    found = section(rows)
    for row in rows:
        wrong = {int(k): int(count) for k, count, _ in cells(found, "top-k", row)}
        assert (wrong[1], wrong[5]) == (row.row.counts.wrong1, row.row.counts.wrong5)
        assert list(wrong.values()) == sorted(wrong.values(), reverse=True)


def test_everything_is_covered_at_the_rows_error(rows: list[ReportRow]) -> None:
    found = section(rows)
    for row in rows:
        coverage, _, risk = cells(found, "risk", row)[-1]
        assert float(coverage) == 100
        assert float(risk) == pytest.approx(row.row.errors["top1"], abs=0.0051)
        curve = next(trace for trace in found.figures["confidence-risk"].traces if trace["meta"] == row.key)
        assert (curve["x"][-1], curve["y"][-1]) == (100, pytest.approx(row.row.errors["top1"], abs=0.001))


def test_bins_hold_all_images_and_the_calibration_error_is_that_of_inspect(rows: list[ReportRow]) -> None:
    found = section(rows)
    for row, line in zip(rows, found.values["lines"], strict=True):
        assert sum(int(images) for _, images, *_ in cells(found, "reliability", row)) == row.row.counts.n
        assert line[3] == f"{100 * row.inspection.calibration_error:.2f}"
        assert float(line[1]) == pytest.approx(100 - 100 * row.row.counts.wrong1 / row.row.counts.n, abs=0.0051)


@pytest.mark.parametrize(("classes", "figures"), [(1, 2), (2, 2), (3, 3)])
def test_few_classes_have_no_curve_of_k_and_no_top_5(classes: int, figures: int) -> None:
    row = made_row(1, NAMES[:classes], 30)
    found = section([row])
    assert len(found.figures) == figures
    page = whole_page("a page", [found]).replace("\n", " ")
    assert "top-5" not in page[: page.index("report-data")]


def test_ties_of_confidence_leave_no_coverage_between() -> None:
    row = made_row(1, NAMES[:1], 10)  # all images are wholly of the one class
    assert section([row]).values["lines"][0][-2:] == ["0.00 (at 100.00 %)"] * 2


def test_rows_are_chosen_by_ticking_them(rows: list[ReportRow], page: Page, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(whole_page("a page", [section(rows)]), encoding="utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    plot = page.locator("#figure-confidence-risk")
    plot.scroll_into_view_if_needed()
    page.wait_for_selector("#figure-confidence-risk[data-drawn]")
    lines = plot.locator(".scatterlayer .trace")
    assert lines.count() == TOGETHER
    last, first = (page.get_by_role("checkbox", name=rows[place].label) for place in (-1, 0))
    assert (first.is_checked(), last.is_checked()) == (True, False)
    last.check()
    assert lines.count() == TOGETHER + 1
    first.focus()
    page.keyboard.press("Space")
    assert lines.count() == TOGETHER
    shown = page.evaluate("window.report.figures['confidence-risk'].data.filter((each) => each.visible).length")
    assert shown == TOGETHER


def test_strange_labels_are_text(page: Page, tmp_path: Path) -> None:
    """The page's fixture fails for a dialog or an error."""
    rows = [made_row(number, NAMES, 24, seed=number, model=name) for number, name in enumerate(STRANGE, 1)]
    (tmp_path / "page.html").write_text(whole_page("a page", [section(rows)]), encoding="utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    for name in ("reliability", "risk", "top-k"):
        page.locator(f"#figure-confidence-{name}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#figure-confidence-{name}[data-drawn]")
    assert page.locator("#confidence-rows").inner_text().count("<script>alert(1)</script>") == 1
    assert page.locator("#confidence a, #confidence img").count() == 0
