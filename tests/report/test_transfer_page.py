"""Pages about transfers: what stands in them is what transfer.json says, whatever the classes are called."""

import json
import re
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import CLASSES, make_weights
from made_rows import STRANGE
from made_transfers import caltech, voc, written
from playwright.sync_api import Page, expect
from test_odd_runs import arrays, evaluated

from bench.report.__main__ import main
from bench.report.precision_curves import WORST, curves, false_positives, kept
from bench.report.transfers import transfer_rows
from results.average_precision import RULES, precision_recall, voc_average_precision
from results.curves import POINTS
from results.transfer_scores import SplitScores, write_scores

NAMES = tuple(f"class {letter}" for letter in "gfedcba")
OTHER = {"Q": "384", "over": ""}


def page_of(*places: Path) -> Path:
    out = places[0] / "page.html"
    assert main([*map(str, places), "--out", str(out)]) == 0
    return out


def records_of(folder: Path) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads((folder / "transfer.json").read_text())
    return records


@pytest.fixture(scope="module")
def pascal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rows of a set like VOC 2007's, one of whose classes has no test image."""
    rows = [voc(NAMES, without=True), voc(NAMES, without=True, sure=1.0, **OTHER)]
    return written(tmp_path_factory.mktemp("pascal"), rows)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of 1, 5 and 20 training images a class, three splits each."""
    rows = [caltech(NAMES, count, **more) for count in (1, 5, 20) for more in ({}, OTHER)]
    return written(tmp_path_factory.mktemp("drawn"), rows)


def unpacked(numbers: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(b64decode(numbers["base64"]), f"<u{numbers['bytes']}").astype(int)


def random_scores(n: int, ties: bool, images: float = 0.5, classes: int = 3) -> SplitScores:
    random = np.random.default_rng(n)
    present = random.random((n, classes)) < images
    difficult = ~present & (random.random(present.shape) < 0.1)
    values = random.normal(size=present.shape) + present
    values = values.round(1) if ties else values
    return SplitScores(tuple(map(str, range(n))), values.astype(np.float32), present, difficult)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("n", "ties"), [(10, False), (200, True), (3000, False), (3000, True)])
def test_what_is_left_of_a_curve_has_its_average_precision(rule: str, n: int, ties: bool) -> None:
    scores = random_scores(n, ties)
    told = {name: unpacked(each) for name, each in curves(scores).items()}
    ends = np.cumsum(told["points"])
    for label, (start, end) in enumerate(zip(ends - told["points"], ends, strict=True)):
        positive, values, counted = scores.present[:, label], scores.values[:, label], ~scores.difficult[:, label]
        wanted = voc_average_precision(positive, values, rule, counted)
        found, taken = (told[name][start:end, None].astype(float) for name in ("found", "taken"))
        assert RULES[rule](found, taken) == pytest.approx(wanted, abs=1e-12)
        assert found[-1] == positive.sum()
        assert told["counted"][label] == counted.sum()


def test_a_curve_keeps_few_of_its_points() -> None:
    scores = random_scores(5000, ties=False, images=0.1, classes=1)
    curve = precision_recall(scores.present[:, 0], scores.values[:, 0])
    assert len(curve.found) > 4900
    assert POINTS <= len(kept(curve)) < 2 * POINTS
    empty = precision_recall(np.zeros(3, bool), np.arange(3.0))
    assert len(kept(empty)) == 0


def test_false_positives_are_the_first_that_are_not_of_the_class() -> None:
    present = np.array([[0], [1], [0], [0], [0]], bool)
    difficult = np.array([[0], [0], [1], [0], [0]], bool)
    values = np.array([[3], [2], [9], [1], [4]], np.float32)
    assert false_positives(SplitScores(tuple("abcde"), values, present, difficult)) == [[(4, 1), (0, 2), (3, 4)]]
    assert len(false_positives(random_scores(99, ties=True, images=0.2))[0]) == WORST


def test_the_curve_of_every_class_says_the_average_precision_of_the_json(pascal: Path, page: Page) -> None:
    page.goto(page_of(pascal).as_uri())
    choice, said = page.locator("#transfer-curves-choice"), page.locator("#transfer-curves-said")
    for number, record in enumerate(records_of(pascal)):
        choice.locator("[name=row]").select_option(str(number))
        for label, name in enumerate(record["classes"]):
            choice.locator("[name=class]").select_option(str(label))
            eleven, area = (record["by_class"][rule][label] for rule in ("mAP11", "mAP"))
            expect(said).to_contain_text(f"{name}, row {number + 1}.")
            if area is None:
                expect(said).to_contain_text("no test image is of this class")
            else:
                told = re.search(r"precision ([\d.]+) % by 11 points, ([\d.]+) % by area", said.inner_text())
                assert told
                assert list(map(float, told.groups())) == pytest.approx([eleven, area], abs=0.0051)
    assert any(None in record["by_class"]["mAP"] for record in records_of(pascal))


def test_row_and_class_are_chosen_by_keyboard(pascal: Path, page: Page) -> None:
    page.goto(page_of(pascal).as_uri())
    choice, said = page.locator("#transfer-curves-choice"), page.locator("#transfer-curves-said")
    page.locator("#transfer-curves-plot").scroll_into_view_if_needed()
    page.wait_for_selector("#transfer-curves-plot .scatterlayer .trace")
    choice.locator("[name=class]").focus()
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("class f, row 1.")
    choice.locator("[name=beside]").focus()
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("class f, row 2.")
    names = page.evaluate("document.getElementById('transfer-curves-plot').data.map(each => each.name)")
    assert names == ["the other classes", "as measured", "best at that recall or higher, row 1", "row 2", "11 points"]
    choice.locator("[name=others]").focus()
    page.keyboard.press("Space")
    assert page.evaluate("document.getElementById('transfer-curves-plot').data.length") == 4
    assert page.locator("#transfer-curves-numbers tbody tr").count() == 11


def test_false_positives_are_named_with_what_they_are(pascal: Path, page: Page) -> None:
    page.goto(page_of(pascal).as_uri())
    (first, _) = transfer_rows([pascal])
    scores = first.scores
    assert scores is not None
    wanted = [
        [str(place), scores.ids[image], ", ".join(np.array(NAMES)[scores.present[image]]) or "none of the classes"]
        for image, place in false_positives(scores)[0]
    ]
    lines = page.locator("#transfer-curves-wrong tbody tr").all()
    assert [line.locator("th, td").all_inner_texts() for line in lines] == wanted


def column(page: Page, place: int) -> list[str]:
    return page.locator(f"#transfer-classes-0 tbody td:nth-child({place})").all_inner_texts()


def numbers(texts: Sequence[str]) -> list[float | None]:
    return [None if text == "–" else float(text) for text in texts]


def nearly(values: Sequence[float | None]) -> list[Any]:
    """As a table of two decimals says them."""
    return [None if each is None else pytest.approx(each, abs=0.0051) for each in values]


def test_the_table_of_classes_is_sorted_and_searched(pascal: Path, page: Page) -> None:
    page.goto(page_of(pascal).as_uri())
    first, second = records_of(pascal)
    page.locator("#transfer-classes-0 thead").get_by_role("button", name="class", exact=True).press("Enter")
    order = sorted(range(len(NAMES)), key=NAMES.__getitem__)
    assert column(page, 2) == sorted(NAMES)
    for place, record in ((4, first), (5, second)):
        assert numbers(column(page, place)) == nearly([record["by_class"]["mAP11"][label] for label in order])
    page.get_by_label("Measure").select_option("1")
    assert numbers(column(page, 4)) == nearly([first["by_class"]["mAP"][label] for label in order])
    assert "area" in page.locator("#transfer-classes-0 caption").inner_text()
    page.locator("#transfer-classes-0 thead").get_by_role("button", name="row 2").press("Enter")
    least = sorted(each for each in second["by_class"]["mAP"] if each is not None)
    assert numbers(column(page, 5)) == nearly([*least, None])  # a class without images comes last
    (row, _) = transfer_rows([pascal])
    assert row.scores is not None
    counts = dict(zip(NAMES, map(str, row.scores.present.sum(axis=0)), strict=True))
    assert dict(zip(column(page, 2), column(page, 3), strict=True)) == counts
    page.locator("#transfer-classes-0-search").fill("CLASS B")
    assert column(page, 2) == ["class b"]


def test_the_numbers_of_the_rows_are_those_of_the_json(drawn: Path, page: Page) -> None:
    page.goto(page_of(drawn).as_uri())
    records = records_of(drawn)
    figures = page.evaluate("window.report.figures")
    points = {}
    for trace in figures["transfer-recall-1"]["data"]:
        points |= dict(zip(trace["customdata"], trace["x"], strict=True))
    assert points == {f"row{number}": record["recall"] for number, record in enumerate(records, 1)}
    lines = {trace["name"]: trace for trace in figures["transfer-images-1"]["data"]}
    for Q, of in (("Q 256/384/512/640/768, stack", records[::2]), ("Q 384", records[1::2])):
        assert (lines[Q]["x"], lines[Q]["y"]) == ([1, 5, 20], [record["recall"] for record in of])
    assert figures["transfer-images-1"]["layout"]["xaxis"]["type"] == "log"
    for number, record in enumerate(records, 1):
        told = " ".join(page.locator(f"#row{number}").locator("th, td").all_inner_texts())
        assert f"{record['recall']:.2f} ± {record['recall_deviation']:.2f} [{record['recall_low']:.2f}" in told
    said = "1/5/20 images were drawn of each of 7 classes of caltech101 3 times"
    expect(page.locator("#transfer-measured")).to_contain_text(said)
    expect(page.locator("#transfer-curves")).to_contain_text("drawn 3 times, the first split is shown")
    images = f"12 of {records[0]['test'][0]} images are of the class"
    expect(page.locator("#transfer-curves-said")).to_contain_text(images)


def test_a_row_of_the_papers_has_its_figure_beside_it_and_a_signature(tmp_path: Path, page: Page) -> None:
    rows = [voc(NAMES[:2], 4952), voc(NAMES[:2], 4952, **OTHER)]
    page.goto(page_of(written(tmp_path, rows)).as_uri())
    references = [
        trace
        for trace in page.evaluate("window.report.figures['transfer-mAP11-1'].data")
        if trace["name"] == "the paper"
    ]
    assert [(trace["x"], trace["y"]) for trace in references] == [([89.3], [1])]
    signature = page.locator("#signature-row2")
    page.locator("#row2 button.number").first.press("Enter")
    expect(signature).to_contain_text(records_of(tmp_path)[1]["signature"])


@pytest.mark.parametrize("make", [voc, lambda names: caltech(names, 5)])
def test_names_of_strangers_are_text(make: Any, tmp_path: Path, page: Page) -> None:
    """The page's fixture fails for a dialog, a request or an error."""
    result, scores = make(STRANGE)
    odd = [
        SplitScores(tuple(f"<img src=x onerror=alert({each})>" for each in split.ids), *rest)
        for split in scores
        for rest in [(split.values, split.present, split.difficult)]
    ]
    folder = written(tmp_path / "<i>run", [(result, odd)])
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(page_of(folder).as_uri())
    page.evaluate(
        "dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint'))"
    )  # draws all figures
    for markup in ("main i", "main a", "main img:not([src^='data:'])"):
        assert page.locator(markup).count() == 0
    assert {"<script>alert(1)</script>", "(no name)", "\\u202eright to left"} <= set(column(page, 2))
    options = page.locator("#transfer-curves-choice [name=class] option").all_text_contents()
    assert options[0] == "<script>alert(1)</script>"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_page_is_about_runs_and_transfers_together(pascal: Path, drawn: Path, tmp_path: Path, page: Page) -> None:
    weights = make_weights(tmp_path / "weights.safetensors", "A", 1, CLASSES)
    run = evaluated(tmp_path, "run", str(weights), arrays(6, 7))
    written(run, [voc(NAMES[:2], without=True)])  # into the same folder
    page.goto(page_of(pascal, run, drawn / "transfer.json").as_uri())
    heads = page.locator("main section h2").all_inner_texts()
    assert [heads[0], heads[-4:]] == [
        "What was measured",
        ["What was learnt", "How well classes are learnt", "Class by class", "Precision and recall"],
    ]
    assert page.locator("#errors #row1").count() == 1
    for number, record in enumerate([*records_of(pascal), *records_of(run), *records_of(drawn)], 2):
        assert record["signature"] in page.locator(f"#signature-row{number}").inner_text()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert "voc2007-cls, caltech101" in page.title()


def test_scores_of_another_run_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = voc(NAMES)
    folder = written(tmp_path, [made])
    (path,) = (folder / "scores").iterdir()
    write_scores(path, [random_scores(20, ties=False)])
    assert main([str(folder)]) == 2
    assert (
        "is of another run than the table; the same bench.transfer command writes it again" in capsys.readouterr().err
    )
    (split,) = made[1]
    write_scores(path, [SplitScores(split.ids, -split.values, split.present, split.difficult)])
    assert main([str(folder)]) == 2
    assert re.search(r"gives mAP, .* but the table says .*: one of them was altered", capsys.readouterr().err)
    path.unlink()
    assert main([str(folder)]) == 2
    assert "is not there" in capsys.readouterr().err
