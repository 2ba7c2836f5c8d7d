"""A comparison in the languages of CI: JUnit's XML, and GitHub's annotations."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from results.formatting import shown
from results.gate import GateReport, GateRow
from results.gate_report import number_or_dash, speeds_text

SUITE = "bench.gate"


def junit(report: GateReport) -> str:
    """A test case a row, as GitHub, GitLab and Jenkins read them: a failure with its message where it did not pass."""
    failed = str(sum(not row.passed for row in report.rows))
    counts = {"tests": str(len(report.rows)), "failures": failed, "errors": "0", "skipped": "0"}
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": SUITE, **counts})
    for row in report.rows:
        names = {"classname": SUITE, "name": f"{shown(row.name)} {row.id}", "file": shown(str(report.baseline))}
        case = ElementTree.SubElement(suite, "testcase", names)
        if not row.passed:
            about = {"message": shown(message(row)), "type": row.verdict if row.verdict != "equal" else "slower"}
            ElementTree.SubElement(case, "failure", about).text = "\n".join(map(shown, details(row)))
        if row.warnings:
            ElementTree.SubElement(case, "system-out").text = shown(f"new warnings: {row.warnings}")
    ElementTree.indent(suites, " ")
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=False) + "\n"


def annotations(report: GateReport, root: Path | None = None) -> list[str]:
    """GitHub's lines: an error for each row that fails, a warning for each that has new ones.

    They stand at the baseline's path, from the `root` of the clone where it lies in it.
    """
    file, lines = _from(report.baseline, root), []
    for row in report.rows:
        title = f"{row.name} {row.id}"
        if not row.passed:
            lines.append(_annotation("error", file, title, message(row)))
        if row.warnings:
            lines.append(_annotation("warning", file, title, row.warnings))
    return lines


def message(row: GateRow) -> str:
    """What became of a row, in one line."""
    slower = f"slower: {' -> '.join(speeds_text(row.speed)[:2])}" if row.speed and row.slower else ""
    told = "" if row.verdict == "equal" else ": ".join(filter(None, (row.verdict, row.why)))
    return "; ".join(filter(None, (told, slower)))


def details(row: GateRow) -> Iterator[str]:
    """What a person wants to know next, line by line."""
    yield message(row)
    for name, each in (("baseline", row.old), ("new", row.new)):
        yield f"{name}: {each.counts}" if each else f"{name}: none"
    for name, change in (("top-1", row.top1), ("top-5", row.top5)):
        if change:
            yield f"{name}: {number_or_dash(change)}"
    if row.top1 and row.by_counts:
        yield f"p is a bound: {row.by_counts}"
    yield f"signature: {row.row.signature}"


def _from(path: Path, root: Path | None) -> str:
    """As GitHub names a file; any other path as it is."""
    place = path.resolve()
    return place.relative_to(root.resolve()).as_posix() if root and place.is_relative_to(root.resolve()) else str(path)


def _annotation(kind: str, file: str, title: str, text: str) -> str:
    return f"::{kind} file={_property(file)},title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    """Escaped by the rules of the runner; characters that do not print are codes already."""
    return shown(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
