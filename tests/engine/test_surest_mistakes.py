"""Score maps of the surest mistakes: of the right images and classes, beside the same numbers as without them."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import make_image, make_weights

from bench.run.__main__ import main as evaluate
from bench.stored.run import open_run
from results.score_maps import SIDE

TIMES = ("seconds", "images_per_second")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """An evaluation of two nets and their fusion, dense and not, on images of two shapes."""
    folder = tmp_path_factory.mktemp("maps")
    for k in range(12):
        make_image([(300, 230), (230, 345)][k % 2], k).save(folder / f"{k:02d}.png", compress_level=1)
    (folder / "labels.txt").write_text("".join(f"{k:02d}.png {k % 7}\n" for k in range(12)))
    weights = [str(make_weights(folder / f"{k}.safetensors", "vgg11", k)) for k in (0, 1)]
    said = f"--model vgg11,vgg11 --fuse --data list:{folder}/labels.txt --protocol centre@224,dense-noflip@230"
    return [*said.split(), "--map", "posteriors", "--weights", ",".join(weights), "--store", str(folder / "store")]


@pytest.fixture(scope="module")
def runs(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Without and with maps of three mistakes a row."""
    folder = tmp_path_factory.mktemp("runs")
    assert evaluate([*words, "--out", str(folder / "without")]) == 0
    assert evaluate([*words, "--out", str(folder / "with"), "--maps", "3"]) == 0
    return folder / "without", folder / "with"


def test_maps_are_of_the_surest_mistakes_of_dense_rows(runs: tuple[Path, Path]) -> None:
    run = open_run(runs[1])
    assert len(run.rows) == 6
    for row in run.rows:
        maps = run.score_maps(row)
        if "dense" not in row["protocol"]:
            assert maps == []
            continue
        found = run.inspected(row)
        surest = found.mistakes(3)
        assert [each.id for each in maps] == surest["id"].tolist()
        assert [found.names[each.predicted] for each in maps] == surest["predicted"].tolist()
        assert [found.names[each.label] for each in maps] == surest["true"].tolist()


def test_what_the_maps_show_adds_up_to_the_posterior(runs: tuple[Path, Path]) -> None:
    """A net of one position at Q: with posteriors averaged the map of a class is its posterior, everywhere."""
    run = open_run(runs[1])
    checked = 0
    for row in run.rows:
        probs = {name: each for block in run.posteriors(row) for name, each in zip(block.ids, block.probs, strict=True)}
        for each in run.score_maps(row):
            wide = int(each.id[:2]) % 2 == 0
            assert each.maps.shape == (
                (2, round(SIDE * 230 / 300), SIDE) if wide else (2, SIDE, round(SIDE * 230 / 345))
            )
            for values, index in zip(each.maps, (each.predicted, each.label), strict=True):
                posterior = probs[each.id][index]
                assert values.min() - 2e-3 <= posterior <= values.max() + 2e-3
                middle = values[values.shape[0] // 2] if wide else values[:, values.shape[1] // 2]
                assert np.ptp(values.astype(float), axis=0 if wide else 1).max() < 1e-3  # one position that way
                checked += len(middle) > 0
    assert checked == 18


def test_numbers_keys_and_files_are_those_without_maps(runs: tuple[Path, Path]) -> None:
    without, with_maps = runs
    assert not (without / "maps").exists()
    assert len(list((with_maps / "maps").iterdir())) == 3
    one, other = (json.loads((run / "results.json").read_text()) for run in runs)
    for row, same in zip(one, other, strict=True):
        assert {key: row[key] for key in row if key not in TIMES} == {
            key: same[key] for key in same if key not in TIMES
        }
    assert (without / "origin.json").read_text() == (with_maps / "origin.json").read_text()


def test_a_count_that_cannot_be_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate([*words, "--maps", "-1"]) == 2
    assert "--maps -1: give a number from 0 to" in capsys.readouterr().err


def test_a_map_without_room_leaves_the_tables(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("bench.nets.model.Model.posterior_map", lacking)
    assert evaluate([*words, "--out", str(tmp_path / "run"), "--maps", "2"]) == 0
    assert "score maps are missing: the class score map of" in capsys.readouterr().err
    assert (tmp_path / "run/results.json").exists()
