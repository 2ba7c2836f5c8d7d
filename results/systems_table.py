"""Nets trained side by side: what each took and what it scores, a section for every set of images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from results.atomic_files import write_text_atomically
from results.claims import Comparison
from results.formatting import code, escaped
from results.result import Result
from results.table import csv_text, error_cell, judged_cells


class Trained(NamedTuple):
    """A system by name: its net, what `bench.train` was told, and what that took."""

    system: str
    model: str
    width: float
    parameters: int
    recipe: str
    epochs: int
    seconds: float


class Measured(NamedTuple):
    """A trained system and its rows by protocol."""

    trained: Trained
    rows: Mapping[str, Result]


class Judged(NamedTuple):
    """A claim on two systems under one protocol."""

    protocol: str
    comparison: Comparison


class Section(NamedTuple):
    """Systems on the same images, what is claimed of them, and a remark; `data` is the line that names the images."""

    data: str
    systems: Sequence[Measured]
    judged: Sequence[Judged]
    remark: str | None = None


def write_systems(sections: Sequence[Section], folder: Path, provenance: Mapping[str, str]) -> None:
    """Write `systems.md` and, a line per system and protocol, `systems.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    records = [
        {**each.trained._asdict(), **row.record()}
        for section in sections
        for each in section.systems
        for row in each.rows.values()
    ]
    write_text_atomically(folder / "systems.csv", csv_text(records))
    lines = ["# Nets around the paper's", "", f"- Command: {code(provenance['command'])}"]
    machines, versions = ("; ".join(dict.fromkeys(each[name] for each in records)) for name in ("machine", "torch"))
    lines += [f"- Machine: {escaped(machines)}; torch {escaped(versions)}, commit {provenance['commit']}"]
    lines += [
        "- Top-1 error in % with 95 % intervals; a net's rows are on the same images, each at the one Q of its line: "
        "dense is 2 views, multicrop 50. Training minutes are by the clock, with what else the machine did meanwhile.",
        "",
    ]
    for section in sections:
        lines += _section(section)
    write_text_atomically(folder / "systems.md", "\n".join(lines))


def _section(section: Section) -> list[str]:
    lines = [section.data.removeprefix("- "), "", _table([_system_row(each) for each in section.systems], 2), ""]
    if said := _remarks(section.systems):
        lines += [*said, ""]
    if section.judged:
        lines += [_table([_judged_row(*each) for each in section.judged], 2), ""]
        lines += [
            f"- {each}" for each in dict.fromkeys(_source(judged.comparison) for judged in section.judged) if each
        ]
        lines += [""]
    if section.remark:
        lines += [section.remark, ""]
    recipes = [f"- {escaped(each.trained.system)}: {code(each.trained.recipe)}" for each in section.systems]
    return [*lines, "Recipes, as `bench.train` was told:", "", *recipes, ""]


def _remarks(systems: Sequence[Measured]) -> list[str]:
    """What is assumed of a system and what speaks against its rows, a line of Markdown each."""
    lines = []
    for each in systems:
        records = {protocol: row.record() for protocol, row in each.rows.items()}
        assumed = dict.fromkeys(record["assumed"] for record in records.values() if record["assumed"])
        lines += [f"- {escaped(each.trained.system)}: assumed: {what}" for what in assumed]
        for protocol, record in records.items():
            lines += [f"- {escaped(f'{each.trained.system} {protocol}: {text}')}" for text in record["warnings"]]
    return lines


def _table(cells: Sequence[dict[str, str]], left: int) -> str:
    aligned = ["left"] * left + ["right"] * (len(cells[0]) - left)
    return pd.DataFrame(cells).to_markdown(index=False, disable_numparse=True, colalign=aligned)


def _system_row(measured: Measured) -> dict[str, str]:
    trained = measured.trained
    errors = {
        escaped(row.protocol.partition("@")[0]): error_cell(row.record(), "top1") for row in measured.rows.values()
    }
    return {
        "system": escaped(trained.system),
        "net": escaped(trained.model) + (f", width {trained.width:g}" if trained.width != 1 else ""),
        "parameters": f"{trained.parameters:,}",
        "epochs": str(trained.epochs),
        "training, minutes": f"{trained.seconds / 60:.1f}",
        "Q": next(iter(measured.rows.values())).Q,
        **errors,
    }


def _judged_row(protocol: str, comparison: Comparison) -> dict[str, str]:
    claim = comparison.claim
    return {
        "claim": escaped(f"{claim.text}: {claim.first[0]} against {claim.second[0]}"),
        "protocol": protocol,
        **judged_cells(comparison),
    }


def _source(comparison: Comparison) -> str:
    claim = comparison.claim
    return f"{escaped(claim.text)}: the source reports {claim.section}." if claim.section else ""
