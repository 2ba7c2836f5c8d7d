"""The gate on real results: passes on what was measured, and fails on one flipped prediction."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.gate.__main__ import main as gate
from bench.run.__main__ import main as run
from results.written_tables import read_file

BASELINE = Path(__file__).parents[1] / "baselines" / "shapes.json"


@pytest.fixture
def measured(weights, photographs, tmp_path):
    """Evaluate with a store that lasts as long as the test; the path of the results."""

    def measured(name: str, *more: str) -> str:
        words = f"--weights {weights} --data list:{photographs} --protocol centre,dense@256"
        assert run([*words.split(), "--store", str(tmp_path / "store"), "--out", str(tmp_path / name), *more]) == 0
        return str(tmp_path / name / "results.json")

    return measured


def test_one_prediction_flipped_by_hand_fails(measured, tmp_path, capsys):
    before = measured("before")
    assert gate([before, measured("same")]) == 0
    path = next(path for path in sorted((tmp_path / "store").rglob("*.npz")) if "centre" in folder_says(path))
    flip_one(path)
    capsys.readouterr()
    assert gate([before, measured("after")]) == 1
    out = capsys.readouterr().out
    assert "wrong1 +1" in out
    assert "| worse" in out


def test_the_image_that_became_wrong_is_found_by_posteriors(measured, tmp_path, capsys):
    """The baseline's are its saved ones: in the store there are those of the later run."""
    before = measured("before", "--save-posteriors")
    path = next(path for path in sorted((tmp_path / "store").rglob("*.npz")) if "centre" in folder_says(path))
    flip_one(path)
    after = measured("after")
    capsys.readouterr()
    assert gate([before, after, "--alpha", "0.5", "--json"]) == 0
    centre, dense = (row["top1"] for row in json.loads(capsys.readouterr().out)["rows"])
    assert (centre["images"], centre["p"], centre["p_is"]) == (1, 1, "exact")
    assert (centre["only_new_wrong"], centre["only_baseline_wrong"]) == (1, 0)
    assert (dense["images"], dense["only_new_wrong"]) == (0, 0)


def test_a_new_baseline_takes_posteriors_from_the_store(measured, tmp_path, capsys):
    first, base = measured("first"), tmp_path / "committed" / "base.json"
    assert gate([str(base), first, "--update", "--why", "first", "--save-posteriors"]) == 0
    assert len([*(base.parent / "posteriors").glob("*.npz")]) == 2
    capsys.readouterr()
    assert gate([str(base), first, "--json"]) == 0
    assert [row["top1"]["p_is"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["exact", "exact"]


@pytest.mark.parametrize("classes", [6, 5])
def test_posteriors_are_ranked_among_the_classes_that_compete(weights, photographs, tmp_path, capsys, classes):
    few = [line for line in photographs.read_text().splitlines() if int(line.split()[1]) < classes]
    listed = photographs.with_name(f"few{classes}.txt")
    listed.write_text("\n".join(few))
    words = f"--weights {weights} --data list:{listed} --restrict-classes --protocol centre --save-posteriors"
    assert run([*words.split(), "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    table = str(tmp_path / "out/results.json")
    assert gate([table, table, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["by_counts"], row["top1"]["p_is"]) == ("", "exact")
    assert (row["top5"] is None) == (classes == 5)


def folder_says(block: Path) -> str:
    return "".join(path.read_text() for path in block.parent.glob("*.json"))


def flip_one(path: Path) -> None:
    """Give the best class of one rightly classified image its label's posterior, and the label the other's."""
    contents = dict(np.load(path))
    probs, labels = contents["probs"], contents["labels"]
    right = np.flatnonzero(probs.argmax(1) == labels)[0]
    other = (labels[right] + 1) % probs.shape[1]
    probs[right, [labels[right], other]] = probs[right, [other, labels[right]]]
    np.savez(path, **contents)


def test_the_committed_baseline_passes_against_itself_and_nothing_less(tmp_path, capsys):
    records = read_file(BASELINE).records
    assert len(records) == 20
    assert gate([str(BASELINE), str(BASELINE)]) == 0
    less, none = tmp_path / "less.json", tmp_path / "none.json"
    less.write_text(json.dumps(records[1:]))
    none.write_text("[]")
    assert gate([str(BASELINE), str(less)]) == gate([str(less), str(BASELINE)]) == 1
    assert gate([str(none), str(BASELINE)]) == 2
    assert gate([str(tmp_path / "missing.json"), str(BASELINE)]) == 2
