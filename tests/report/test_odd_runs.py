"""Pages about odd runs: each opens without a complaint, and shows the counts of its table."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import CLASSES, make_image, make_weights

import bench
from bench.report.__main__ import main as report


class Undecided(torch.nn.Module):
    """A net that scores all classes alike."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 0 * images.mean((1, 2, 3))[:, None].expand(-1, len(CLASSES))


def arrays(count: int, classes: int, first: int = 0) -> list[tuple[np.ndarray, int]]:
    """Images that are in no file."""
    return [(np.asarray(make_image((260, 240), first + k)), k % classes) for k in range(count)]


def evaluated(folder: Path, name: str, net: Any, images: Any, **asked: Any) -> Path:
    """A run of 224 pixels' centre crops."""
    table = bench.evaluate(net, images, "centre@224", store=folder / "store", progress=False, **asked)
    return table.save(folder / name)


def one_image(folder: Path) -> list[Path]:
    return [evaluated(folder, "one", weights(folder, 1), arrays(1, 1))]


def fused(folder: Path) -> list[Path]:
    nets = {"<b>": weights(folder, 1), "&amp;": weights(folder, 2)}
    return [evaluated(folder, "fused", nets, arrays(9, 7), fuse=True)]


def few_classes(folder: Path) -> list[Path]:
    return [evaluated(folder, "few", weights(folder, 1, CLASSES[:3]), arrays(8, 3))]


def ties(folder: Path) -> list[Path]:
    said = {"S": 256, "pixels": "torchvision", "classes": CLASSES, "identity": "all alike"}
    return [evaluated(folder, "ties", Undecided(), arrays(5, 7), **said)]


def several_sets(folder: Path) -> list[Path]:
    other = evaluated(folder, "other", weights(folder, 2), arrays(6, 7, 50))
    return [*fused(folder), other, *ties(folder), *few_classes(folder)]


def weights(folder: Path, seed: int, classes: tuple[str, ...] = CLASSES) -> str:
    return str(make_weights(folder / f"{seed}-{len(classes)}.safetensors", "A", seed, classes))


@pytest.mark.parametrize("make", [one_image, fused, few_classes, ties, several_sets])
def test_an_odd_run_has_a_page_with_its_counts(make: Callable[[Path], list[Path]], tmp_path, page):
    runs = make(tmp_path)
    records = [record for run in runs for record in json.loads((run / "results.json").read_text())]
    assert report([*map(str, runs), "--out", str(tmp_path / "page.html")]) == 0
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # draws all figures
    heads = page.locator("#errors .rows thead th").all_inner_texts()
    for number, record in enumerate(records, 1):
        cells = page.locator(f"#row{number}").locator("th, td").all_inner_texts()
        told = dict(zip(heads, cells, strict=True))
        counts = {f"wrong{k}": "–" if record[f"top{k}"] is None else str(record[f"wrong{k}"]) for k in (1, 5)}
        assert ("Ties decide" in page.locator("#mistakes").inner_text()) == any(row["top1"] is None for row in records)
        assert told.items() >= {"n": str(record["n"]), "signature": record["signature_id"], **counts}.items()
