"""Rows beside others of the page: of other images, of other weights, or of one signature and other counts."""

from dataclasses import replace

import pytest
from made_rows import made_row

from bench.errors import UserError
from bench.report import making
from bench.report.making import ReportRequest, make
from bench.report.page import _environment
from bench.report.rows import ReportRow, report_rows, shown_names
from bench.report.same_images import same_images
from bench.report.sections import classes, confidence, cost, errors, measured, pairs
from bench.stored.run import StoredRun
from results.table import PLAIN
from results.written_tables import Counts

NAMES = [f"class {letter}" for letter in "abcdefgh"]


def row_of(number: int, protocol: str, weights: str, gflops: float | None, data: str = "d") -> ReportRow:
    row = made_row(number, NAMES, 40, seed=number)
    said = {"protocol": protocol, "machine": "m", "device": "cpu", "weights": weights}
    unsaid = ("views", "paper_top1", "paper_top5", "published_top1", "published_top5")
    written = replace(
        row.row,
        signature=f"model=net weights={weights} data={data} protocol={protocol}",
        texts={**dict.fromkeys(PLAIN, "–"), **row.row.texts, **said},
        beside={**dict.fromkeys(unsaid), "gflops": gflops, "skipped": 0},
    )
    return replace(row, inspection=replace(row.inspection, row=written))


def test_crops_are_set_beside_dense_of_the_same_weights_alone():
    rows = [
        row_of(1, "dense@256", "one", 2.0),
        row_of(2, "multicrop@256", "one", 10.0),
        row_of(3, "dense@256", "other", 5.0),
    ]
    (said,) = cost._crops_over_dense(same_images(rows)[0])
    assert "costs 5 times the GFLOPs of dense@256 (row 1)" in said


@pytest.mark.parametrize(("crops", "dense"), [(10.0, None), (None, 2.0)])
def test_no_ratio_is_said_of_a_cost_that_is_unknown(crops, dense):
    rows = [row_of(1, "dense@256", "one", dense), row_of(2, "multicrop@256", "one", crops)]
    (said,) = cost._crops_over_dense(same_images(rows)[0])
    assert "compared with dense@256 (row 1)" in said
    assert "times" not in said


def test_errors_on_other_images_stand_in_figures_of_their_own():
    rows = [row_of(1, "a@1", "one", None), row_of(2, "b@1", "one", None), row_of(3, "a@1", "one", None, data="e")]
    figures = errors.section(rows).figures
    shown = {name: [cells[0] for cells in figure.cells] for name, figure in figures.items()}
    assert shown == {
        "errors-top1-1": ["1", "2"],
        "errors-top5-1": ["1", "2"],
        "errors-top1-2": ["3"],
        "errors-top5-2": ["3"],
    }
    findings = [figure.finding for figure in confidence.section(rows).figures.values()]
    assert not any("is that of" in text for text in findings)
    alike = [figure.finding for figure in confidence.section(rows[:2]).figures.values()]
    assert sum("is that of" in text for text in alike) == 2


def test_every_class_is_seen_and_no_two_look_alike():
    found = shown_names(["", "  ", "(no name)", "a\0b", "a\\x00b", "\u202e", "\\u202e", "plain"])
    assert all(name.strip() and name.isprintable() for name in found)
    assert len(set(found)) == len(found)
    assert found[-1] == "plain"


def test_one_signature_with_other_counts_is_two_rows_and_said(monkeypatch):
    first = row_of(1, "a@1", "one", None)
    second = replace(first.row, counts=Counts(40, 0, 0))
    runs = [StoredRun(first.run.folder, (each,)) for each in (first.row, second, first.row)]
    monkeypatch.setattr(StoredRun, "inspected", lambda run, row: replace(first.inspection, row=row))
    rows = report_rows(runs)
    assert [row.row.counts.wrong1 for row in rows] == [first.row.counts.wrong1, 0]
    ((of, text),) = measured._two_numbers(rows)
    assert of == "rows 1, 2"
    assert "other counts" in text


def test_what_does_not_print_stands_as_its_code_in_every_value():
    template = _environment().from_string("{{ a }} {{ a|breakable }} {{ b }} {{ n }}")
    assert template.render(a="x\u202e/\x1b", b="two\nlines", n=3) == "x\\u202e/\\x1b x\\u202e/<wbr>\\x1b two\nlines 3"


def undecided(number: int) -> ReportRow:
    """A row that ties decide, all of whose images count as right."""
    row = row_of(number, "a@1", "one", None)
    written = replace(row.row, counts=Counts(40, 0, 0), ties=(40, 0))
    images = row.inspection.predictions.assign(rank=1)
    images = images.assign(predicted=images["label"])
    return replace(row, inspection=replace(row.inspection, row=written, predictions=images))


def test_no_sentence_praises_a_row_that_ties_decide():
    rows = [undecided(1), row_of(2, "b@1", "one", None)]
    assert "row 2, net b@1" in confidence.section(rows).figures["confidence-top-k"].finding
    assert confidence.section(rows[:1]).figures["confidence-top-k"].finding == ""
    said = _environment().get_template("classes.html.j2")
    page = said.render(values=classes.section(rows[:1]).values, figure=lambda name: "")
    assert "None: no image is taken for another class" in page
    assert "Ties decide" in page


def test_rows_that_ties_decide_are_named_among_pairs():
    rows = [row_of(1, "a@1", "one", None), undecided(2), row_of(3, "b@1", "one", None)]
    values = pairs.section(rows, same_images(rows)).values
    assert [row.number for row in values["undecided"]] == [2]
    said = _environment().get_template("pairs.html.j2").render(values=values)
    assert "Ties decide row 2, which is compared with none." in said


def test_a_page_that_cannot_be_written_is_one_line_about_its_file(tmp_path, monkeypatch):
    row = row_of(1, "a@1", "one", None)
    monkeypatch.setattr(making, "open_run", lambda place, store: row.run)
    monkeypatch.setattr(making, "report_rows", lambda runs: [row])
    monkeypatch.setattr(making, "sections", lambda rows, request: [])
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "page.html"
    with pytest.raises(UserError, match="no page was written; free space or give --out FILE") as raised:
        make(ReportRequest((tmp_path,), place))
    assert f"--out '{place}': " in str(raised.value)


def test_scripts_get_labels_without_what_turns_text():
    row = row_of(1, "a\u202e@1", "one", None)
    assert row.label == "1. net a\\u202e@1"


def test_a_copied_signature_is_the_signature():
    row = row_of(1, "a\u202e@1", "one", None)
    page = str(_environment().get_template("signature.html.j2").module.shown(row))
    assert f'data-copy="{row.row.signature}"' in page
    assert f"<code>{row.row.signature}" not in page
