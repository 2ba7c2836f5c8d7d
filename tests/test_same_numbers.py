"""The same numbers everywhere: each output of a run is read and held against what the Python rows' ranks count."""

import base64
import csv
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder

import numpy as np
import pytest
from conftest import make_image, make_weights
from statsmodels.stats.proportion import proportion_confint

import bench
from bench.compare.__main__ import main as compare
from bench.gate.__main__ import main as gate
from bench.inspect.__main__ import main as inspect
from bench.report.__main__ import main as report
from results.multiple_tests import holm
from results.result import signature_id

COUNT = 23
VOID = {"meta", "input", "br", "wbr", "img"}
Numbers = dict[str, Any]


class Made:
    """A run in a folder, with the table that wrote it."""

    def __init__(self, table: Any, folder: Path) -> None:
        self.rows, self.folder = list(table), table.save(folder)
        self.wrong = [{k: row.ranks >= k for k in (1, 5)} for row in self.rows]
        self.has_top5 = self.rows[0].top5 is not None

    @property
    def ks(self) -> tuple[int, ...]:
        return (1, 5) if self.has_top5 else (1,)

    def numbers(self) -> list[Numbers]:
        """Of each row, counted here; errors and their intervals in %, None where it has none."""
        return [
            {"n": COUNT, "signature_id": signature_id(row.signature), **self._errors(wrong)}
            for row, wrong in zip(self.rows, self.wrong, strict=True)
        ]

    def _errors(self, wrong: dict[int, np.ndarray]) -> Numbers:
        found: Numbers = {}
        for k in (1, 5):
            count = int(wrong[k].sum())
            low, high = proportion_confint(count, COUNT, method="wilson")
            told = (count, 100 * count / COUNT, 100 * low, 100 * high) if k in self.ks else (None,) * 4
            found |= dict(zip((f"wrong{k}", f"top{k}", f"top{k}_low", f"top{k}_high"), told, strict=True))
        return found

    def only(self, k: int, first: int, second: int) -> tuple[int, int]:
        """How many images only the one row, and only the other, has wrong."""
        one, other = self.wrong[first][k], self.wrong[second][k]
        return int((one & ~other).sum()), int((other & ~one).sum())

    def pair(self, first: int, second: int) -> Any:
        return bench.compare(self.rows[first], self.rows[second])


@pytest.fixture(scope="module", params=[7, 4], ids=["seven classes", "no top-5"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two nets and their fusion under two protocols."""
    folder = tmp_path_factory.mktemp("same")
    names = tuple(f"class {k}" for k in range(request.param))
    for k in range(COUNT):
        make_image((260, 240), k).save(folder / f"{k}.png")
    (folder / "labels.txt").write_text("".join(f"{k}.png {k % len(names)}\n" for k in range(COUNT)))
    nets = {f"net {seed}": str(make_weights(folder / f"{seed}.safetensors", "A", seed, names)) for seed in (1, 2)}
    asked = {"fuse": True, "store": folder / "store", "progress": False}
    table = bench.evaluate(nets, f"list:{folder}/labels.txt", "centre@224,dense@224", **asked)
    found = Made(table, folder / "run")
    assert len(found.rows) == 6
    assert len({row["wrong1"] for row in found.numbers()}) > 2
    return found


@pytest.fixture(scope="module")
def html(made: Made) -> Element:
    out = made.folder / "page.html"
    assert report([str(made.folder), "--out", str(out)]) == 0
    return Tree(out.read_text(encoding="utf-8")).root


class Tree(HTMLParser):
    """A page as a tree."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.builder = TreeBuilder()
        self.feed(page)
        self.root = self.builder.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        self.builder.data(data)


def test_the_python_rows(made):
    for row, wanted in zip(made.rows, made.numbers(), strict=True):
        told = {name: getattr(row, name) for name in ("n", "wrong1", "wrong5", "top1", "top5")}
        for k, ends in ((1, row.interval), (5, row.interval5)):
            told |= dict(zip((f"top{k}_low", f"top{k}_high"), ends or (None, None), strict=True))
        assert told == near({name: wanted[name] for name in told})
        assert row.signature.split()[0].startswith("model=")


def test_json_and_csv(made):
    with (made.folder / "results.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    records = json.loads((made.folder / "results.json").read_text())
    for record, line, wanted in zip(records, lines, made.numbers(), strict=True):
        assert {name: record[name] for name in wanted} == near(wanted)
        numbers = {name: line[name] if name == "signature_id" else float(line[name] or "nan") for name in wanted}
        assert numbers == near({name: np.nan if value is None else value for name, value in wanted.items()})


def test_markdown(made):
    lines = [line for line in (made.folder / "results.md").read_text().splitlines() if line.startswith("|")]
    heads, _, *rows = [[cell.strip().strip("`") for cell in line.split("|")[1:-1]] for line in lines]
    for row, wanted in zip(rows, made.numbers(), strict=True):
        assert dict(zip(heads, row, strict=True)).items() >= cells(wanted).items()


def test_inspect(made, tmp_path, capsys):
    assert inspect([str(made.folder), "--mistakes", "0", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    for wanted in made.numbers():
        summary = (tmp_path / wanted["signature_id"] / "summary.md").read_text()
        right = COUNT - wanted["wrong1"]
        accuracy = f"Accuracy {100 - wanted['top1']:.2f} %: {right} of {COUNT} right"
        assert f"- {accuracy}; wrong1 is the table's {wanted['wrong1']}\n" in summary
        assert summary.strip() in said


def test_gate(made, tmp_path, capsys):
    table, summary = str(made.folder / "results.json"), tmp_path / "summary.md"
    assert gate([table, table, "--json", "--summary", str(summary)]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    text = summary.read_text()
    for row, wanted in zip(rows, made.numbers(), strict=True):
        counts = {name: wanted[name] for name in ("n", "wrong1", "wrong5")}
        for side in ("baseline", "new"):
            assert {name: row[side][name] for name in counts} == counts
        (line,) = (line for line in text.splitlines() if f"`{wanted['signature_id']}`" in line)
        for cell in line.split("|")[2:4]:
            told = {name: int(count) for name, count in re.findall(r"(\w+) (\d+)", cell)}
            assert told == {name: count for name, count in counts.items() if count is not None}


def test_compare(made, capsys):
    numbers = made.numbers()
    for first, second in combinations(range(len(made.rows)), 2):
        assert compare([f"{made.folder}:{first + 1}", f"{made.folder}:{second + 1}", "--json"]) == 0
        record = json.loads(capsys.readouterr().out)
        for side, place in (("first", first), ("second", second)):
            assert {name: record[side][name] for name in numbers[place]} == near(numbers[place])
        python = made.pair(first, second)
        assert (record["top5"] is None, python.top5 is None) == (not made.has_top5,) * 2
        for k in made.ks:
            told = record[f"top{k}"]
            assert (told["only_first_wrong"], told["only_second_wrong"]) == made.only(k, first, second)
            assert told["difference"] == pytest.approx(
                100 * np.subtract(*errors(made, k, first, second)), rel=0, abs=5.1e-5
            )
            assert told.items() >= python.top(k).fields.items()
            assert told["mcnemar_p"] == python.top(k).p


def test_the_table_and_the_figures_of_the_page(made, html):
    numbers = made.numbers()
    heads = [text(cell) for cell in html.find(".//div[@class='rows']//thead/tr")]
    figures = script(html)["figures"]
    for number, wanted in enumerate(numbers, 1):
        row = html.find(f".//tr[@id='row{number}']")
        assert dict(zip(heads, map(text, row), strict=True)).items() >= cells(wanted).items()
        signature = html.find(f".//div[@id='signature-row{number}']")
        assert wanted["signature_id"] in text(signature)
        assert made.rows[number - 1].signature in text(signature)
    for k in (1, 5):
        assert (f"errors-top{k}-1" in figures) == (k in made.ks)
    for k in made.ks:
        drawn = dict(points(figures[f"errors-top{k}-1"]))
        wanted = {
            f"row{number}": (row[f"top{k}"], row[f"top{k}_low"], row[f"top{k}_high"])
            for number, row in enumerate(numbers, 1)
        }
        assert drawn == {key: pytest.approx(values, rel=0, abs=5.1e-5) for key, values in wanted.items()}


def test_what_the_page_says_first(made, html):
    """The lowest error, of the first row that has it."""
    numbers = made.numbers()
    best = min(numbers, key=lambda row: row["wrong1"])
    button = html.find(".//p[@class='lead']/button")
    assert text(button) == f"{cells(best)['top-1 error % [95 %]']} %"
    assert button.get("popovertarget") == f"signature-row{numbers.index(best) + 1}"


def test_the_pairs_of_the_page(made, html):
    (group,) = script(html)["data"]["pairs"]["groups"]
    pairs = [(later, earlier) for earlier, later in combinations(range(len(made.rows)), 2)]
    buttons = {each.get("data-pair"): text(each) for each in html.iterfind(".//button[@data-pair]")}
    assert set(buttons) == set(group["pairs"]) == {f"row{a + 1}-row{b + 1}" for a, b in pairs}
    for k in made.ks:
        found = [made.pair(*pair).top(k) for pair in pairs]
        for (later, earlier), python, p in zip(pairs, found, holm([each.p for each in found]), strict=True):
            key = f"row{later + 1}-row{earlier + 1}"
            rate, low, high = (100 * each for each in python.difference)
            difference = f"{rate:+.2f} [{low:+.2f}, {high:+.2f}]"
            only = made.only(k, later, earlier)
            told = dict(group["pairs"][key][f"top{k}"])
            wanted = {
                "Difference in points [95 %]": difference,
                f"Only row {later + 1} wrong": str(only[0]),
                f"Only row {earlier + 1} wrong": str(only[1]),
                "McNemar's p, exact": f"{python.p:.2g}",
                "The same, corrected (Holm)": f"{p:.2g}",
            }
            assert told.items() >= wanted.items()
            if k == 1:
                assert buttons[key].split() == [*difference.split(), "p", f"{p:.2g}"]
                ranks = {row: unpacked(of_row["ranks"]) for row, of_row in group["rows"].items()}
                one, other = ranks[f"row{later + 1}"] > 1, ranks[f"row{earlier + 1}"] > 1
                assert (int((one & ~other).sum()), int((other & ~one).sum())) == only


def test_the_gallery_of_the_page(made, html):
    data = script(html)["data"]
    for row, wrong, told in zip(made.rows, made.wrong, data["mistakes"]["rows"], strict=True):
        ids = data["mistakes"]["sets"][told["set"]]["ids"]
        assert told["n"] == COUNT
        assert {ids[place] for place in unpacked(told["places"])} == set(np.array(row.ids)[wrong[1]])
        assert len(unpacked(told["places"])) == wrong[1].sum()
        assert sorted(unpacked(told["rank"])) == sorted(row.ranks[wrong[1]] + 1)


def errors(made: Made, k: int, *places: int) -> list[float]:
    return [made.wrong[place][k].mean() for place in places]


def cells(numbers: Numbers) -> dict[str, str]:
    """As tables for people have a row."""
    told = {"n": str(numbers["n"]), "signature": numbers["signature_id"]}
    for k in (1, 5):
        error, low, high = (numbers[f"top{k}{end}"] for end in ("", "_low", "_high"))
        told[f"top-{k} error % [95 %]"] = "–" if error is None else f"{error:.2f} [{low:.2f}, {high:.2f}]"
        told[f"wrong{k}"] = "–" if error is None else str(numbers[f"wrong{k}"])
    return told


def near(numbers: Numbers) -> Any:
    """Shares are written to 4 digits."""
    return {
        name: pytest.approx(value, rel=0, abs=5.1e-5, nan_ok=True) if isinstance(value, float) else value
        for name, value in numbers.items()
    }


def text(element: Element) -> str:
    return "".join(element.itertext()).strip()


def script(html: Element) -> dict[str, Any]:
    """What the page's scripts get."""
    return json.loads(text(html.find(".//script[@id='report-data']")))


def points(figure: dict[str, Any]) -> Iterator[tuple[str, tuple[float, float, float]]]:
    """Of each row what its point and the ends of its bar show."""
    for trace in figure["data"]:
        bars = trace.get("error_x", {})
        yield from (
            (key, (x, x - down, x + up))
            for key, x, down, up in zip(
                trace.get("customdata", ()), trace["x"], bars.get("arrayminus", ()), bars.get("array", ()), strict=False
            )
        )


def unpacked(numbers: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(numbers["base64"]), f"<u{numbers['bytes']}")
