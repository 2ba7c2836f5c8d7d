"""A page about runs: what stands in it is what their tables say, whatever names the tables hold."""

import json
import re
from html import unescape

import pytest

from bench.report.__main__ import main
from bench.run.__main__ import main as evaluate


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two small nets and their fusion, with its page."""
    folder = tmp_path_factory.mktemp("report")
    words = ["--model", "A,B", "--fuse", "--limit", "8", "--protocol", "centre,centre@224", "--html"]
    assert evaluate([*words, "--out", str(folder / "run"), "--store", str(folder / "store")]) == 0
    return folder / "run"


def page_of(run, *more):
    out = run.parent / "page.html"
    assert main([str(run), "--out", str(out), *more]) == 0
    return out.read_text(encoding="utf-8")


def texts(page):
    """What stands in the page's body, tags and scripts taken away."""
    body = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "\n", body))


def test_bench_run_writes_the_page_that_bench_report_makes(run):
    assert (run / "report.html").read_text(encoding="utf-8") == page_of(run)


def test_every_cell_of_the_markdown_table_is_in_the_page(run):
    lines = [line for line in (run / "results.md").read_text().splitlines() if line.startswith("| vgg")]
    said = texts(page_of(run))
    records = json.loads((run / "results.json").read_text())
    assert len(lines) == len(records) == 6
    for line, record in zip(lines, records, strict=True):
        for cell in line.strip("|").split(" | "):
            assert cell.replace("`", "").replace("\\", "").strip() in said
        assert record["signature"] in said
        assert f"{record['top1']:.2f} [" in said


def test_nothing_is_loaded_from_elsewhere(run):
    page = page_of(run)
    assert "default-src 'none'" in page
    ours = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=.(?!#)", ours)
