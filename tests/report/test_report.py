"""A page about runs: what stands in it is what their tables say, whatever names the tables hold."""

import json
import os
import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from conftest import make_image, make_weights
from playwright.sync_api import expect

from bench.report.__main__ import main
from bench.report.rows import report_rows
from bench.report.same_images import same_images
from bench.report.sections.cost import verdict
from bench.report.sections.pairs import section
from bench.run.__main__ import main as evaluate
from bench.stored.named_rows import named_rows
from bench.stored.run import open_run
from results.comparison import compare_rows
from results.comparison_tables import difference_cell
from results.every_pair import every_pair
from results.formatting import shown

STRANGE = (
    "<script>alert(1)<",
    "<img src=x onerror=alert(2)>",
    "--ink",
    "%{x} {{ values }} $\\alpha$",
    "<b>&amp;<br>",
    "'\"",
    "שלום \u202eback",
)
NO_UNICODE = os.fsdecode(b"\xff")
PROTOCOLS = "centre@224/256,centre@224,dense@256,multicrop@256"


def evaluated(folder: Path, *words: str) -> Path:
    """A run of few images, in this process."""
    run = folder / "run"
    assert evaluate([*words, "--out", str(run), "--store", str(folder / "store")]) == 0
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of strange names with its page: classes, files, data and nets are called what markup is."""
    folder = tmp_path_factory.mktemp("report")
    for label, name in enumerate(STRANGE):
        (folder / "<i>set" / name).mkdir(parents=True)
        for k in range(2):
            make_image((260, 240), 10 * label + k).save(folder / "<i>set" / name / f"<u>{k}&lt;'{NO_UNICODE}.png")
    weights = [make_weights(folder / f"<s>{seed}.safetensors", "A", seed, STRANGE) for seed in (1, 2)]
    words = ["--model", "A,A", "--weights", ",".join(map(str, weights)), "--data", f"folder:{folder}/<i>set"]
    return evaluated(folder, *words, "--fuse", "--protocol", PROTOCOLS, "--html")


def page_of(*runs: Path, more: tuple[str, ...] = ()) -> str:
    out = runs[0].parent / "page.html"
    assert main([*map(str, runs), "--out", str(out), *more]) == 0
    return out.read_text(encoding="utf-8")


def texts(page: str) -> str:
    """What stands in the page, tags and scripts taken away."""
    body = re.sub(r"<wbr>|<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "\n", body.replace("<wbr>", "")))


def lines_of(run: Path) -> Iterator[dict[str, str]]:
    """The rows of results.md, Markdown's escapes taken away."""
    table = [line for line in (run / "results.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]
    for row in rows:
        yield {name: re.sub(r"\\(.)", r"\1", cell).strip("`") for name, cell in zip(head, row, strict=True)}


def test_bench_run_writes_the_page_that_bench_report_makes(run):
    assert (run / "report.html").read_text(encoding="utf-8") == page_of(run)


def test_every_cell_of_the_markdown_table_is_in_the_row_of_the_page(run):
    page = page_of(run)
    records = json.loads((run / "results.json").read_text())
    for number, (cells, record) in enumerate(zip(lines_of(run), records, strict=True), 1):
        row = texts(re.search(rf'<tr id="row{number}">.*?</tr>', page, flags=re.DOTALL)[0])
        assert {name: text for name, text in cells.items() if text not in row} == {}
        assert f"{record['top1']:.2f} [{record['top1_low']:.2f}, {record['top1_high']:.2f}]" in row
        assert record["signature"] in texts(page)
    assert number == len(records) == 12


def data_of(run: Path) -> dict[str, Any]:
    """What the page's scripts get."""
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page_of(run))[1])


def test_figures_hold_the_numbers_of_the_json(run):
    data = data_of(run)
    records = {f"row{number}": each for number, each in enumerate(json.loads((run / "results.json").read_text()), 1)}
    drawn = {"errors-top1-1": ("x", "top1"), "errors-top5-1": ("x", "top5"), "cost-gflops-1": ("y", "top1")}
    for name, (axis, error) in drawn.items():
        traces = [trace for trace in data["figures"][name]["data"] if "customdata" in trace]
        points = {key: value for trace in traces for key, value in zip(trace["customdata"], trace[axis], strict=True)}
        assert points == {key: record[error] for key, record in records.items()}
    costs = {key: x for trace in traces for key, x in zip(trace["customdata"], trace["x"], strict=True)}
    assert costs == {key: record["gflops"] for key, record in records.items()}


def test_scales_are_told_by_parts_that_rows_of_their_own_measured(run):
    records = json.loads((run / "results.json").read_text())[:4]
    both, low = (record["top1"] for record in records[:2])
    traces = {trace["name"]: trace for trace in data_of(run)["figures"]["scales-1"]["data"]}
    assert (traces["centre"]["x"], traces["centre"]["y"][0]) == ([224, 256], low)
    assert traces["sum: centre@224/256"]["y"] == [both, both]
    for record in records[2:]:
        method, _, Q = record["protocol"].partition("@")
        assert (traces[method]["x"], traces[method]["y"]) == ([int(Q)], [record["top1"]])


def test_what_crops_cost_over_dense_is_said(run):
    dense, crops = json.loads((run / "results.json").read_text())[2:4]
    (named,) = named_rows([str(run)], None)
    found = compare_rows(*(named.opened(named.rows[number]) for number in (3, 2)))
    said = texts(page_of(run))
    assert f"costs {crops['gflops'] / dense['gflops']:.3g} times the GFLOPs of dense@256 (row 3)" in said
    assert f"{verdict(found)}: {difference_cell(found)} points of top-1 error, McNemar's p {found.p:.2g}" in said


def test_the_page_begins_with_the_lowest_error_and_how_sure_that_is(run):
    (group,) = same_images(report_rows([open_run(run)]))
    (lead,) = section(group.rows, [group]).leads
    records = json.loads((run / "results.json").read_text())
    assert lead.number.startswith(f"{min(record['top1'] for record in records):.2f} [")
    alike = [record["wrong1"] for record in records].count(lead.row.row.counts.wrong1)
    assert len(re.findall(r"(?<=Row )\d+|(?<=Rows )[\d, and]+", lead.after)) == (alike > 1)
    (matrix,) = section(group.rows, [group]).values["matrices"]
    worse = [
        cell for _, line in matrix["rows"] for cell in line if cell.verdict and lead.row in (cell.row, cell.column)
    ]
    assert f"{len(worse) or 'None'} of the {len(records) - 1} others" in lead.after
    assert page_of(run).index(lead.number) < page_of(run).index("<main")


def test_pairs_are_those_of_a_comparison(run):
    (group,) = same_images(report_rows([open_run(run)]))
    (matrix,) = section(group.rows, [group]).values["matrices"]
    cells = [cell for _, line in matrix["rows"] for cell in line]
    every = every_pair(group.compared)
    ps = {frozenset((a.first.name, a.second.name)): p for a, p in zip(every.pairs, every.holm_p(1), strict=True)}
    assert len(cells) == len(ps) == 66
    for cell in cells:
        rows = [group.compared[each.number - 1] for each in (cell.row, cell.column)]
        found = compare_rows(*rows)
        assert (cell.errors.fields, cell.errors.n) == (found.fields, found.n)
        assert cell.holm_p == ps[frozenset(row.name for row in rows)]


def test_what_strangers_wrote_is_text(run, page):
    page.goto((run / "report.html").as_uri())
    assert page.locator("script").count() == len(re.findall("<script[ >]", (run / "report.html").read_text()))
    for markup in ("main img:not([src^='data:'])", "main i", "main s", "main u"):
        assert page.locator(markup).count() == 0
    assert "<i>set" in page.title()
    assert not page.get_by_text("No scripts run here").is_visible()
    assert "default-src 'none'" in page.locator("meta[http-equiv]").get_attribute("content")


def test_figures_are_drawn_as_they_come_into_view_and_all_for_paper(run, page):
    page.goto((run / "report.html").as_uri())
    undrawn = page.locator("[data-figure]:not([data-drawn])")
    assert undrawn.count() > 0
    page.locator("#figure-errors-top1-1").scroll_into_view_if_needed()
    page.wait_for_selector("#figure-errors-top1-1 .scatterlayer .point")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert undrawn.count() == 0
    drawn = "each => [each.clientWidth, each.querySelector('svg').clientWidth]"
    widths = f"[...document.querySelectorAll('[data-drawn]')].map({drawn})"
    on_paper = page.evaluate(widths)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    on_screen = page.evaluate(widths)
    assert on_paper != on_screen
    assert all(room == width for room, width in (*on_paper, *on_screen))
    page.emulate_media(media="print")
    first, last = page.locator("#measured"), page.locator("#signature-row1")
    assert first.bounding_box()["y"] < page.locator("#mistakes").bounding_box()["y"] < last.bounding_box()["y"]


def test_colours_follow_the_system(run, page):
    page.goto((run / "report.html").as_uri())
    page.locator("#figure-errors-top1-1").scroll_into_view_if_needed()
    title = page.locator("#figure-errors-top1-1 .xtitle")
    page.emulate_media(color_scheme="light")
    light = title.evaluate("element => getComputedStyle(element).fill")
    page.emulate_media(color_scheme="dark")
    expect(title).not_to_have_css("fill", light)


def test_a_click_on_a_number_shows_its_signature(run, page):
    record = json.loads((run / "results.json").read_text())[1]
    page.goto((run / "report.html").as_uri())
    signature = page.locator("#signature-row2")
    assert not signature.is_visible()
    page.locator("#row2 button.number").first.focus()
    page.keyboard.press("Enter")
    assert record["signature"] in signature.inner_text()
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject())")
    signature.get_by_role("button", name="Copy").click()
    assert page.evaluate("`${getSelection()}`") == record["signature"]
    page.keyboard.press("Escape")
    assert not signature.is_visible()


def test_without_scripts_there_are_tables_and_nothing_that_does_nothing(run, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((run / "report.html").as_uri())
    assert page.get_by_text("No scripts run here").is_visible()
    assert page.locator("#errors tbody tr[id]").count() == 12
    for nothing in (".plot", ".filters", "select:not([disabled])"):
        assert not any(each.is_visible() for each in page.locator(nothing).all())
    page.locator("#errors details summary").first.click()
    assert page.locator("#errors details table").first.is_visible()
    context.close()


def test_a_click_on_a_pair_lists_the_images_that_one_alone_got_wrong(run, page):
    page.goto((run / "report.html").as_uri())
    (named,) = named_rows([str(run)], None)
    rows = [named.opened(row) for row in named.rows]
    interval = page.locator("[data-pair=row2-row1] span")
    assert not interval.is_visible()  # of twelve rows
    page.get_by_label("with intervals and p").check()
    assert interval.is_visible()
    page.locator("[data-pair=row2-row1]").press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.pair") == "row3-row1"
    page.keyboard.press("Alt+ArrowDown")  # with Alt a key is the browser's
    assert page.evaluate("document.activeElement.dataset.pair") == "row3-row1"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('table.pairs')") is None
    for first, second in ((2, 1), (5, 1), (9, 4)):
        page.locator(f"[data-pair=row{first}-row{second}]").press("Enter")
        found = compare_rows(rows[first - 1], rows[second - 1])
        tables = page.locator("#pair-0 div.scroll table").all()
        listed = [table.locator("tbody th").all_inner_texts() for table in tables]
        wanted = [list(map(shown, each["id"])) for each in (found.only_first_wrong, found.only_second_wrong)]
        assert listed == [ids for ids in wanted if ids]
    assert any(wanted)


def test_the_page_works_at_the_width_of_a_telephone(run, page):
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto((run / "report.html").as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_missing_library_is_said_before_anything_is_evaluated(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "plotly", None)
    assert evaluate(["--html", "--out", str(tmp_path / "out"), "--store", str(tmp_path / "store")]) == 2
    assert main([str(run)]) == 2
    first, second = capsys.readouterr().err.splitlines()[-2:]
    wanted = "error: this needs plotly; pip install 'vgg-protocols[report]'"
    assert (first, second) == (f"bench.run: {wanted}", f"bench.report: {wanted}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("limit", [1, 3])
def test_few_images_and_classes(limit, tmp_path, page):
    (tmp_path / "set" / "only").mkdir(parents=True)
    for k in range(4):
        make_image((260, 240), k).save(tmp_path / "set" / "only" / f"{k}.png")
    (tmp_path / "set" / "only" / "0.png").write_bytes(b"broken")
    weights = make_weights(tmp_path / "one.safetensors", "A", 1, ("only",))
    words = f"--model A --weights {weights} --data folder:{tmp_path}/set --skip-corrupt --limit {limit + 1}"
    run = evaluated(tmp_path, *words.split(), "--protocol", "centre@224,centre@256", "--html")
    said = texts((run / "report.html").read_text())
    assert "top-5 error, %" not in said
    assert f"{limit} (1 corrupt left out)" in said
    assert "1 image cannot be decoded and was left out." in said
    assert f"The top-1 error on {limit} image{'s' * (limit > 1)} of" in said  # one class: no row is wrong
    page.goto((run / "report.html").as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")


def test_a_run_whose_posteriors_are_gone_is_one_line(tmp_path, weights, photographs, capsys):
    words = f"--weights {weights} --data list:{photographs} --limit 2 --protocol centre@224"
    run = evaluated(tmp_path, *words.split())
    (tmp_path / "store").rename(tmp_path / "moved")
    capsys.readouterr()
    assert main([str(run)]) == 2
    assert re.fullmatch(r"bench\.report: error: .*run bench\.run again.*\n", capsys.readouterr().err.split("\r")[-1])
    assert not (run / "report.html").exists()
    page_of(run, more=("--store", str(tmp_path / "moved")))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pictures", "-1"], "--pictures -1: give a number from 0 to 600"),
        (["--out", "{run}"], "--out '{run}' is a folder; give a file, such as {run}/report.html"),
    ],
)
def test_slips_are_one_line(words, said, run, capsys):
    assert main([str(run), *(word.format(run=run) for word in words)]) == 2
    assert capsys.readouterr().err == f"bench.report: error: {said.format(run=run)}\n"


def test_several_runs_share_a_page(run, tmp_path, weights, photographs):
    words = f"--weights {weights} --data list:{photographs} --limit 6 --protocol centre@224"
    other = evaluated(tmp_path, *words.split())
    said = texts(page_of(run, other))
    assert "row 13" in said.lower()
    assert "13. vgg16 centre@224" in said
    assert "Of images of their own" in said
    assert re.sub(r"\s+", " ", said).count(f"Run {run.name}") == 2
