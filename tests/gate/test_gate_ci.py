"""What CI reads of a comparison: JUnit's XML, summaries, JSON and GitHub's annotations are views of one value."""

import json
import os
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from gate_rows import DENSE, FIRST, LAST, ROWS, line, result

from results.gate import compare_tables
from results.gate_ci import annotations
from results.gate_report import told
from results.result import signature_id

WORSE = [FIRST, replace(DENSE, wrong1=45, doubts=("labels may be shifted",)), LAST]
HOSTILE = [
    "a|b",
    "a\nb",
    "]]>",
    "::error::x",
    "x\r::error::y",
    "##[add-mask]a",
    "a\x00\x08\x1b[31m",
    "<b>&amp;",
    "\ufffe",
    "100 %,:",
    "naïve ☃",
]


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


def cases(path):
    """As any XML parser reads the file: name to failure, None where it passed."""
    (suite,) = ElementTree.parse(path).getroot()
    found = list(suite)
    counted = (str(len(found)), str(sum(case.find("failure") is not None for case in found)))
    for each in (suite, ElementTree.parse(path).getroot()):
        assert (each.get("tests"), each.get("failures")) == counted
    return {case.get("name"): case.find("failure") for case in found}


def test_junit_has_a_case_a_row_and_a_failure_with_its_message(gate, tmp_path):
    file = tmp_path / "gate.xml"
    assert gate(ROWS, WORSE, "--junit", str(file))[0] == 1
    found = cases(file)
    assert [name.split()[-1] for name in found] == [signature_id(row.signature) for row in ROWS]
    failures = {name: failure for name, failure in found.items() if failure is not None}
    ((name, failure),) = failures.items()
    assert name == f"vgg16, [256;512], dense@384 {signature_id(DENSE.signature)}"
    assert (failure.get("type"), failure.get("message")) == ("worse", "worse: wrong1 +1")
    assert "baseline: wrong1 44, wrong5 4, n 200" in failure.text


ALLOWED = {  # by jenkinsci/xunit-plugin's junit-10.xsd, which Jenkins holds files against
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {
        *("name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp"),
        *("hostname", "id", "package", "file", "log", "url"),
    },
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "system-out": set(),
}


def test_junit_has_only_what_jenkins_allows(gate, tmp_path):
    file = tmp_path / "gate.xml"
    gate(ROWS, WORSE, "--junit", str(file))
    found = [*ElementTree.parse(file).iter()]
    assert {each.tag for each in found} == {*ALLOWED}
    for each in found:
        assert {*each.attrib} <= ALLOWED[each.tag]


def test_junit_tells_slower_missing_and_new_rows_too(gate, tmp_path):
    file = tmp_path / "gate.xml"
    gate(ROWS[:2], [replace(DENSE, seconds=40.0), LAST], "--throughput", "0.9", "--junit", str(file))
    assert [failure.get("type") for failure in cases(file).values()] == ["missing", "slower", "new"]


def test_a_summary_is_appended_and_has_every_row(gate, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n")
    for _ in range(2):
        gate(ROWS, WORSE, "--summary", str(page))
    text = page.read_text()
    assert text.startswith("before\n## Accuracy gate: failed\n")
    assert text.count("## Accuracy gate") == 2
    for row in ROWS:
        assert text.count(f"| vgg16, [256;512], {row.protocol} `{signature_id(row.signature)}` ") == 2
    assert "**worse**" in text
    assert "+1 (p <= 1)" in text


def test_json_takes_the_place_of_markdown(gate):
    code, out, err = gate(ROWS, WORSE, "--json")
    said = json.loads(out)
    assert (code, said["passed"], err) == (1, False, "")
    assert [row["verdict"] for row in said["rows"]] == ["equal", "worse", "equal"]
    assert [row["signature_id"] for row in said["rows"]] == [signature_id(row.signature) for row in ROWS]
    assert said["rows"][1]["new"]["wrong1"] == 45


def unescaped(text):
    for code, letter in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, letter)
    return text


def commands(text):
    """What GitHub's runner obeys in a log: kind, properties, data."""
    for each in re.split(r"\r\n|\r|\n", text):
        if found := re.match(r"\s*::(\w[\w-]*)(?: (.*?))?::(.*)", each):
            pairs = (word.split("=", 1) for word in (found[2] or "").split(","))
            yield found[1], {name: unescaped(value) for name, value in pairs}, unescaped(found[3])
        else:
            assert "##[" not in each


def test_annotations_are_an_error_a_failing_row_and_a_warning_a_new_one(gate, monkeypatch, tmp_path):
    assert list(commands(gate(ROWS, WORSE)[1])) == []
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    code, out, err = gate(ROWS, WORSE)
    title = f"vgg16, [256;512], dense@384 {signature_id(DENSE.signature)}"
    place = {"file": "baseline/results.json", "title": title}
    assert list(commands(out)) == [
        ("error", place, "worse: wrong1 +1"),
        ("warning", place, "labels may be shifted"),
    ]
    assert (code, err) == (1, "")
    _, out, err = gate(ROWS, WORSE, "--json")
    assert json.loads(out)["passed"] is False
    assert len(list(commands(err))) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_strangers_change_nothing_but_names(gate, name, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    old = result(name, model=name, S=name)
    new = replace(old, wrong1=50, doubts=(name,), signature=line(name, weights=name), provenance={"device": name})
    junit, page = tmp_path / "gate.xml", tmp_path / "page.md"
    _, out, _ = gate([old], [new], "--junit", str(junit), "--summary", str(page))
    assert [kind for kind, _, _ in commands(out)] == ["error", "warning"]
    assert [set(about) for _, about, _ in commands(out)] == [{"file", "title"}] * 2
    assert list(commands(page.read_text())) == []
    assert len(cases(junit)) == 1
    _, out, err = gate([old], [new], "--json")
    assert list(commands(out)) == []
    written = name.replace("\0", "\\x00")  # as tables hold it
    assert json.loads(out)["rows"][0]["row"] == f"{written}, {written}, {written}"
    assert [kind for kind, _, _ in commands(err)] == ["error", "warning"]


def test_annotations_stand_at_the_path_as_given_outside_of_the_clone(gate, tmp_path):
    gate(ROWS, WORSE)
    report = compare_tables(tmp_path / "baseline/results.json", tmp_path / "new/results.json")
    for root in (None, tmp_path / "elsewhere"):
        assert f"file={tmp_path}/baseline/results.json," in annotations(told(report), root)[0]


@pytest.mark.parametrize("option", ["--junit", "--summary"])
def test_what_cannot_be_written_is_one_line(gate, tmp_path, option):
    code, out, err = gate(ROWS, ROWS, option, str(tmp_path / "missing" / "file"))
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"bench\.gate: error: {option} '.*; give {option} FILE .*\n", err)


@pytest.mark.parametrize("option", ["--junit", "--summary"])
@pytest.mark.parametrize("name", ["baseline/results.json", "new/results.json", "new/results.csv"])
def test_nothing_is_written_over_what_is_compared(gate, tmp_path, option, name):
    code, out, err = gate(ROWS, WORSE, option, str(tmp_path / name))
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"bench\.gate: error: {option} '.*/{name}': it belongs to what is read, .*\n", err)
    assert gate(tmp_path / "baseline/results.json", tmp_path / "new/results.csv", kinds=("json", "csv"))[0] == 1


def test_a_pipe_is_written_to_and_a_link_stays_one(gate, tmp_path):
    """Renaming a file over them would put it in the place of a device too."""
    file, link, pipe = tmp_path / "junit.xml", tmp_path / "link.xml", tmp_path / "pipe"
    file.write_text("old")
    link.symlink_to(file)
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert gate(ROWS, ROWS, "--junit", str(pipe))[0] == 0
        assert pipe.is_fifo()
        assert os.read(reading, 5) == b"<test"
    finally:
        os.close(reading)
    assert gate(ROWS, ROWS, "--junit", str(link))[0] == 0
    assert link.is_symlink()
    assert file.read_text().startswith("<test")
