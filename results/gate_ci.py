"""A comparison in the languages of CI: JUnit's XML, and GitHub's annotations."""

from pathlib import Path
from xml.etree import ElementTree

from results.formatting import shown
from results.told import Told

SUITE = "bench.gate"


def junit(told: Told) -> str:
    """A test case a row, as GitHub, GitLab and Jenkins read them: a failure with its message where it did not pass.

    Jenkins' xUnit plugin refuses what its schema, junit-10.xsd, does not name: a file is a suite's, not a case's.
    """
    failed = str(sum(not case.passed for case in told.cases))
    counts = {"tests": str(len(told.cases)), "failures": failed, "errors": "0"}
    suites = ElementTree.Element("testsuites", counts)
    about_all = {"name": SUITE, **counts, "skipped": "0", "file": shown(str(told.baseline))}
    suite = ElementTree.SubElement(suites, "testsuite", about_all)
    for case in told.cases:
        element = ElementTree.SubElement(suite, "testcase", {"classname": SUITE, "name": shown(case.name)})
        if not case.passed:
            about = {"message": shown(case.message), "type": case.kind}
            ElementTree.SubElement(element, "failure", about).text = "\n".join(map(shown, case.details))
        if case.warnings:
            ElementTree.SubElement(element, "system-out").text = shown(f"new warnings: {case.warnings}")
    ElementTree.indent(suites, " ")
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=False) + "\n"


def annotations(told: Told, root: Path | None = None) -> list[str]:
    """GitHub's lines: an error for each row that fails, a warning for each that has new ones.

    They stand at the baseline's path, from the `root` of the clone where it lies in it.
    """
    file, lines = _from(told.baseline, root), []
    for case in told.cases:
        if not case.passed:
            lines.append(_annotation("error", file, case.name, case.message))
        if case.warnings:
            lines.append(_annotation("warning", file, case.name, case.warnings))
    return lines


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
