"""Which images changed: named where both rows' posteriors are at hand, with the command that tells more."""

import json
import shlex
import shutil

import numpy as np
import pytest
from gate_rows import ROWS
from test_gate_chance import AFTER, BEFORE, measured

from bench.compare.__main__ import main as compare
from bench.gate.__main__ import main
from bench.gate.pairing import SAVED
from bench.run.__main__ import main as run
from results.posteriors import Posteriors


def test_images_that_changed_are_in_json_and_some_in_junit(tmp_path, capsys):
    old, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", [0] * 3 + AFTER[3:])
    assert main([str(old), str(new), "--json", "--junit", str(tmp_path / "gate.xml")]) == 1
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert sorted(row["images_only_new_wrong"]) == [f"{k}.png" for k in range(44, 54)]
    assert sorted(row["images_only_baseline_wrong"]) == ["0.png", "1.png", "2.png"]
    text = (tmp_path / "gate.xml").read_text()
    assert "top-1, right before, wrong now: 44.png, 45.png, " in text
    assert "top-1, wrong before, right now: 0.png, 1.png, 2.png\n" in text


def test_without_posteriors_no_image_is_named(gate):
    _, out, _ = gate(ROWS, ROWS, "--json")
    assert {row["images_only_new_wrong"] for row in json.loads(out)["rows"]} == {None}


@pytest.fixture(scope="module")
def moved(tmp_path_factory, weights, photographs):
    """A run, its store in another place, and the baseline of a net that had one image more right."""
    folder = tmp_path_factory.mktemp("moved")
    store, base = folder / "store", folder / "base & one.json"
    words = ["--weights", str(weights), "--data", f"list:{photographs}", "--protocol", "centre@256", "--limit", "8"]
    assert run([*words, "--store", str(store), "--out", str(folder / "new")]) == 0
    store.rename(folder / "elsewhere")
    (row,) = json.loads((folder / "new/results.json").read_text())
    words = [str(base), str(folder / "new/results.json"), "--update", "--save-posteriors", "--why", "first"]
    assert main([*words, "--store", str(folder / "elsewhere")]) == 0
    (saved,) = (folder / SAVED).iterdir()
    found = Posteriors.load(saved)
    wrong = int(np.flatnonzero(found.probs.argmax(1) != found.labels)[0])
    was5 = int((found.probs[wrong] > found.probs[wrong, found.labels[wrong]]).sum() >= 5)
    found.probs[wrong] = np.eye(found.probs.shape[1])[found.labels[wrong]]
    found.save(saved)
    content = json.loads(base.read_text())
    content["rows"][0].update(wrong1=row["wrong1"] - 1, wrong5=row["wrong5"] - was5)
    base.write_text(json.dumps(content))
    return folder, base, found.ids[wrong]


def test_blocks_that_moved_are_found_where_one_says(moved, capsys):
    folder, base, image = moved
    words = [str(base), str(folder / "new/results.json"), "--json"]
    assert main(words) == 1
    assert json.loads(capsys.readouterr().out)["rows"][0]["top1"]["p_is"] == "an upper bound"
    assert main([*words, "--store", str(folder / "elsewhere")]) == 1
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["top1"]["p_is"], row["images_only_new_wrong"]) == ("exact", [image])


def test_the_command_that_is_printed_tells_images_and_classes(moved, capsys):
    folder, base, image = moved
    main([str(base), str(folder / "new/results.json"), "--store", str(folder / "elsewhere")])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "bench.compare" in line]
    words = shlex.split(line.removeprefix("- ").strip("`"))
    assert words[:3] == ["python", "-m", "bench.compare"]
    assert compare(words[3:]) == 0
    assert image in capsys.readouterr().out
    assert compare([*words[3:], "--by", "Q"]) == 2  # the store is none of the baseline's
    assert "base & one.json" in capsys.readouterr().err


def test_a_baseline_is_never_read_from_the_store_of_what_it_is_compared_with(moved, tmp_path, capsys):
    folder, base, _ = moved
    shutil.copy(base, tmp_path / "base.json")
    rows = [f"{folder}/new:1", f"{tmp_path}/base.json:1"]
    assert compare([*rows, "--store", str(folder / "elsewhere")]) == 2
    assert "no posteriors in" in capsys.readouterr().err
