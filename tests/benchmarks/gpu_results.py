"""What the steps wrote, as rows of the tables of docs/speed.md."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from gpu_steps import GOALS, Kind, Step

Row = dict[str, str]
HEADERS: dict[Kind, tuple[str, Sequence[str]]] = {
    "tests": ("The tests", ("tests", "passed", "failed", "skipped", "s")),
    "nets": (
        "VGG-16 alone, the fastest batch",
        ("dtype", "mode", "layout", "batch", "images/s", "TFLOP/s", "measured matrix peak, TFLOP/s", "share of it"),
    ),
    "protocols": (
        "End to end, decoding included",
        ("protocol", "dtype", "sharing", "compiled", "batch", "workers", "images", "images/s", "goal on one H100"),
    ),
    "training": ("Training VGG-16", ("dtype", "images", "images/s")),
    "descriptors": (
        "Descriptors, decoding included, and classifiers that learn from them",
        ("images", "dtype", "Q", "number", "images/s", "learnt in, s", "mean class recall, %"),
    ),
    "host": ("The host: decoded and rescaled to 256, 384 and 512", ("threads", "images/s")),
}


def rows(step: Step, out: Path) -> list[Row]:
    """What a step that ended well has to say."""
    return READ[step.kind](step, out)


def tests(step: Step, out: Path) -> list[Row]:
    suite = ElementTree.parse(out / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    cells = step.said["tests"], passed, failed, count["skipped"], f"{float(suite.get('time', 0)):.0f}"
    return [_row("tests", *cells)]


def failures(out: Path) -> list[str]:
    """The tests that failed, and what they said first."""
    if not (out / "junit.xml").exists():
        return []
    cases = ElementTree.parse(out / "junit.xml").getroot().iter("testcase")
    bad = ((case, each) for case in cases for each in case if each.tag in ("failure", "error"))
    return [f"{case.get('classname')}::{case.get('name')}: {each.get('message', '')[:200]}" for case, each in bad]


def nets(step: Step, out: Path) -> list[Row]:
    """In each layout, at the batch that is fastest."""
    fastest: dict[str, Mapping[str, Any]] = {}
    for each in sorted(_records(out), key=lambda each: each["images_per_second"]):
        fastest[each["layout"]] = each
    return [
        _row(
            "nets",
            *(each[name] for name in ("dtype", "mode", "layout", "batch")),
            f"{each['images_per_second']:.0f}",
            f"{each['TFLOP_per_second']:.3g}",
            f"{each['peak_TFLOP_per_second']:.3g}",
            f"{each['share_of_peak']:.0%}",
        )
        for each in fastest.values()
    ]


def protocols(step: Step, out: Path) -> list[Row]:
    (record,) = _records(out)
    said = step.said
    goal = GOALS[said["protocol"]] if said["dtype"] == "bf16" else "–"
    chosen = said["dtype"], record["sharing"], record["compiled"], said["batch_size"], said["workers"]
    found = record["images"], f"{record['images_per_second']:.3g}"
    return [_row("protocols", said["protocol"], *chosen, *found, goal)]


def training(step: Step, out: Path) -> list[Row]:
    """The second epoch, with its validation."""
    last = list(csv.DictReader((out / "log.csv").read_text().splitlines()))[-1]
    images = int(step.said["images"])
    return [_row("training", step.said["dtype"], images, f"{images / float(last['seconds']):.0f}")]


def descriptors(step: Step, out: Path) -> list[Row]:
    """Of training and test images together."""
    (record,) = json.loads((out / "transfer.json").read_text())
    images = record["training"][0] + record["test"][0]
    found = f"{images / record['net_seconds']:.3g}", f"{record['seconds']:.3g}", f"{record['recall']:.1f}"
    return [_row("descriptors", step.said["images"], step.said["dtype"], record["Q"], images, *found)]


def host(step: Step, out: Path) -> list[Row]:
    found = json.loads((out / "host.json").read_text())
    return [_row("host", each["threads"], f"{each['images_per_second']:.0f}") for each in found]


READ: dict[Kind, Callable[[Step, Path], list[Row]]] = {
    "tests": tests,
    "nets": nets,
    "protocols": protocols,
    "training": training,
    "descriptors": descriptors,
    "host": host,
}


def markdown(found: Mapping[Kind, Sequence[Row]]) -> str:
    """All tables; one that has no rows yet has a line of dashes."""
    return "\n\n".join(f"### {title}\n{_table(names, found.get(kind, ()))}" for kind, (title, names) in HEADERS.items())


def _table(names: Sequence[str], rows: Sequence[Row]) -> str:
    lines = [names, ["---"] * len(names), *([row[name] for name in names] for row in rows)]
    if not rows:
        lines.append(["–"] * len(names))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(kind: Kind, *cells: object) -> Row:
    return dict(zip(HEADERS[kind][1], map(str, cells), strict=True))


def _records(out: Path) -> list[dict[str, Any]]:
    return json.loads((out / "speed.json").read_text())["records"]
