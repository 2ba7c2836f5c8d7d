"""Kept score maps come back as they were, and a file that is none is one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.errors import ResultError
from results.score_maps import SIDE, ScoreMap, load_score_maps, save_score_maps

RANDOM = np.random.RandomState(0)
MAPS = [
    ScoreMap("a.png", 3, 1, RANDOM.rand(2, 5, SIDE).astype(np.float16)),
    ScoreMap("ü <b>.png", 0, 2, RANDOM.rand(2, SIDE, 1).astype(np.float16)),
]


@pytest.mark.parametrize("maps", [MAPS, MAPS[:1], []])
def test_maps_of_any_shapes_come_back(tmp_path: Path, maps: list[ScoreMap]) -> None:
    save_score_maps(maps, tmp_path / "maps.npz")
    again = load_score_maps(tmp_path / "maps.npz")
    assert [(each.id, each.predicted, each.label) for each in again] == [
        (each.id, each.predicted, each.label) for each in maps
    ]
    for one, other in zip(again, maps, strict=True):
        assert np.array_equal(one.maps, other.maps)


def arrays(**other: Any) -> dict[str, Any]:
    return {
        "ids": np.array(["a"]),
        "classes": np.array([[0, 1]]),
        "shapes": np.array([[1, 2]]),
        "values": np.zeros(4, np.float16),
        **other,
    }


HOSTILE = {
    "objects": arrays(ids=np.array([{"a": 1}], dtype=object)),
    "a bomb": arrays(values=np.zeros(1 << 26, np.float16)),
    "too few values": arrays(values=np.zeros(3, np.float16)),
    "not finite": arrays(values=np.full(4, np.nan, np.float16)),
    "no posteriors": arrays(values=np.full(4, 2, np.float16)),
    "large maps": arrays(shapes=np.array([[SIDE + 1, 1]]), values=np.zeros(2 * SIDE + 2, np.float16)),
    "maps of negative size": arrays(shapes=np.array([[-1, -2]])),
    "sizes that overflow": arrays(shapes=np.array([[1 << 62, 4]])),
    "two ids": arrays(ids=np.array(["a", "b"])),
    "no ids": {name: value for name, value in arrays().items() if name != "ids"},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_other_arrays_are_one_line(tmp_path: Path, kind: str) -> None:
    np.savez_compressed(tmp_path / "maps.npz", **arrays())
    assert len(load_score_maps(tmp_path / "maps.npz")) == 1
    np.savez_compressed(tmp_path / "maps.npz", **HOSTILE[kind])
    with pytest.raises(ResultError, match=r"maps.npz' are damaged; remove them"):
        load_score_maps(tmp_path / "maps.npz")


def test_files_that_are_cut_are_one_line(tmp_path: Path) -> None:
    save_score_maps(MAPS, tmp_path / "maps.npz")
    whole = (tmp_path / "maps.npz").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "maps.npz").write_bytes(whole[:length])
        with pytest.raises(ResultError, match="are damaged"):
            load_score_maps(tmp_path / "maps.npz")
