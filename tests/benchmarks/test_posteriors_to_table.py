"""Hot paths behind the net: average and fuse posteriors, count stored blocks, write the table."""

from pathlib import Path

import numpy as np
import pytest

from protocols.protocol import parse
from results.paper import IMAGES, PaperRow, paper_rows
from results.posteriors import Posteriors, average, fuse
from results.result import Result, signature
from results.store import BLOCK, Block, Store
from results.table import markdown
from results.tally import tally

CLASSES = 1000
BLOCKS = 4
SUM = parse("dense+multicrop")  # six parts


def block(seed: int, number: int = 0) -> Posteriors:
    """A block of images; every other one's own class wins by far, the others' comes last."""
    labels, even = np.arange(BLOCK), np.arange(BLOCK) % 2 == 0
    scores = np.random.default_rng([seed, number]).exponential(size=(BLOCK, CLASSES))
    scores[labels, labels] = np.where(even, 50, 0)
    probs = (scores / scores.sum(1, keepdims=True)).astype(np.float32)
    return Posteriors(probs, labels, np.array([f"{number * BLOCK + k:08d}.JPEG" for k in range(BLOCK)]))


@pytest.mark.benchmark(group="average")
def test_average(benchmark):
    members = [block(seed) for seed in range(len(SUM.parts))]
    _check_mean(benchmark(average, members, list(SUM.weights.values())), members)


@pytest.mark.benchmark(group="fuse")
@pytest.mark.parametrize("nets", [2, 7])
def test_fuse(benchmark, nets: int):
    """As many nets as the paper's two fusions take."""
    members = [block(seed) for seed in range(nets)]
    _check_mean(benchmark(fuse, members), members)


@pytest.mark.benchmark(group="tally")
@pytest.mark.parametrize("nets", [1, 2])
def test_tally(benchmark, tmp_path: Path, nets: int):
    stored = [_net(tmp_path, net) for net in range(nets)]
    (counted,) = benchmark(tally, [stored], BLOCKS)
    assert len(counted.ranks) == BLOCKS * BLOCK
    assert counted.wrong(1) == counted.wrong(5) == BLOCKS * BLOCK // 2


@pytest.mark.benchmark(group="table")
def test_table(benchmark):
    """The paper's own 32 rows."""
    rows = paper_rows()
    text = benchmark(markdown, [_result(row) for row in rows])
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    assert len(lines) == len(rows)
    assert all(f" {row.top1:.1f} / {row.top5:.1f} " in line for row, line in zip(rows, lines, strict=True))


def _check_mean(found: Posteriors, members: list[Posteriors]) -> None:
    found.check()
    assert found.probs.shape == (BLOCK, CLASSES)
    np.testing.assert_allclose(found.probs, np.mean([each.probs for each in members], 0, np.float64), rtol=1e-6)


def _net(root: Path, net: int):
    """A net's stored parts, with their shares."""
    stores = [Store(root, {"net": str(net), "part": str(part)}) for part in SUM.parts]
    for part, store in enumerate(stores):
        for number in range(BLOCKS):
            store.write(number, Block(block(100 * net + part, number), 1, "cpu"))
    return list(zip(stores, SUM.weights.values(), strict=True))


def _result(row: PaperRow) -> Result:
    """A row that measured just what the paper did."""
    return Result(
        model="vgg16",
        configuration="D",
        weights="VGG16_Weights.IMAGENET1K_V1",
        S="[256;512]",
        Q="256/384/512",
        protocol=row.nets[0].partition(" ")[2],
        data="imagenet/val",
        n=IMAGES,
        skipped=0,
        wrong1=round(row.top1 / 100 * IMAGES),
        wrong5=round(row.top5 / 100 * IMAGES),
        views=SUM.nominal_views,
        seconds=3600,
        nets=row.nets,
        signature=signature({"nets": " + ".join(row.nets)}),
    )
