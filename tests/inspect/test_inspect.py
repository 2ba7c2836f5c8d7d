"""A run looked into: what comes out agrees with the run's table, and needs neither the net nor the images."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CLASSES, ROOT, make_weights
from PIL import Image

from bench.inspect.__main__ import main
from bench.run.__main__ import main as run
from results.calibration import expected_calibration_error, reliability

FILES = {
    *("summary.md", "classes.md", "classes.csv", "confusion.csv", "predictions.csv", "calibration.csv"),
    *("confusion.png", "calibration.png", "mistakes.png"),
}


@pytest.fixture(scope="module")
def made(weights, photographs, tmp_path_factory) -> Path:
    """Two nets and their fusion, one Q and the mean of two with dense; the weights are gone afterwards."""
    folder = tmp_path_factory.mktemp("made")
    files = [shutil.copy(weights, folder / "a.safetensors"), make_weights(folder / "b.safetensors", seed=5)]
    words = "--model D,D --fuse --protocol centre,centre@224/256+dense@224 --limit 33 --save-posteriors"
    where = ["--data", f"list:{photographs}", "--store", str(folder / "store"), "--out", str(folder / "run")]
    assert run([*words.split(), "--weights", ",".join(map(str, files)), *where]) == 0
    for file in files:
        Path(file).unlink()
    shutil.move(folder / "run" / "posteriors", folder / "posteriors")
    return folder


@pytest.fixture
def inspect(made, tmp_path, capsys):
    """Look into a copy of the run: exit code, standard output, standard error."""
    shutil.copytree(made / "run", tmp_path / "run")

    def inspect(*more: str):
        code = main([str(tmp_path / "run"), *more])
        return code, *capsys.readouterr()

    return inspect


def records(folder: Path) -> list[dict]:
    return json.loads((folder / "run/results.json").read_text())


def test_rows_agree_with_the_table_and_with_its_saved_posteriors(inspect, made, tmp_path):
    """One net with several parts, and the fusion."""
    code, out, _ = inspect("--mistakes", "0", "--row", "2,6")
    assert code == 0
    for row in records(made)[1::4]:
        folder = tmp_path / "run/inspect" / row["signature_id"]
        images = pd.read_csv(folder / "predictions.csv", dtype={"true": str, "predicted": str})
        saved = np.load(made / "posteriors" / f"{row['signature_id']}.npz")
        assert images["id"].tolist() == saved["ids"].tolist()
        assert images["true"].tolist() == [CLASSES[label] for label in saved["labels"]]
        assert images["predicted"].tolist() == [CLASSES[best] for best in saved["posteriors"].argmax(1)]
        assert np.allclose(images["confidence"], saved["posteriors"].max(1), atol=1e-6)
        assert (images["true_rank"] > 1).sum() == (images["true"] != images["predicted"]).sum() == row["wrong1"]
        assert (images["true_rank"] > 5).sum() == row["wrong5"]
        matrix = pd.read_csv(folder / "confusion.csv", index_col=0)
        assert list(matrix.index) == list(matrix.columns) == list(CLASSES)
        assert np.trace(matrix) == row["n"] - row["wrong1"]
        classes = pd.read_csv(folder / "classes.csv")
        assert (classes["recall"] * classes["images"]).sum() == pytest.approx(row["n"] - row["wrong1"])
        assert f"{row['n'] - row['wrong1']} of {row['n']} right; wrong1 is the table's {row['wrong1']}" in out
        table = pd.read_csv(folder / "calibration.csv")
        right = saved["posteriors"].argmax(1) == saved["labels"]
        expected = expected_calibration_error(reliability(saved["posteriors"].max(1), right))
        assert expected_calibration_error(table) == pytest.approx(expected)
        assert (folder / "summary.md").read_text().strip() in out


def test_all_files_come_out_for_the_row_that_is_named(inspect, made, tmp_path):
    wanted = records(made)[4]["signature_id"]
    assert inspect("--row", wanted)[0] == 0
    assert [path.name for path in (tmp_path / "run/inspect").iterdir()] == [wanted]
    assert {path.name for path in (tmp_path / "run/inspect" / wanted).iterdir()} == FILES


def test_rows_have_numbers_and_each_comes_once(inspect, made, tmp_path):
    ids = [row["signature_id"] for row in records(made)]
    code, out, _ = inspect("--row", f"2, {ids[1]},1", "--mistakes", "0", "--out", str(tmp_path / "out"))
    assert code == 0
    assert re.findall(r"^## .*`(\w{8})`$", out, re.MULTILINE) == [ids[1], ids[0]]
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(ids[:2])


def test_a_results_file_will_do_and_saved_posteriors_replace_the_store(inspect, made, tmp_path, capsys):
    shutil.copytree(made / "posteriors", tmp_path / "run/posteriors")
    point_elsewhere(tmp_path)
    assert main([str(tmp_path / "run/results.csv"), "--mistakes", "0", "--row", "3"]) == 0
    assert f"`{records(made)[2]['signature_id']}`" in capsys.readouterr().out


def test_a_store_that_was_moved_is_given(inspect, made, tmp_path):
    point_elsewhere(tmp_path)
    code, _, err = inspect("--row", "1")
    assert code == 2
    assert re.search(r"no stored blocks in .*; give --store DIR", err)
    assert inspect("--row", "1", "--mistakes", "0", "--store", str(made / "store"))[0] == 0


def point_elsewhere(folder: Path) -> None:
    change(folder, "origin.json", lambda said: said | {"store": str(folder / "nowhere")})


def change(folder: Path, name: str, to) -> None:
    path = folder / "run" / name
    path.write_text(json.dumps(to(json.loads(path.read_text()))))


def test_the_rest_comes_out_where_the_images_are_gone(inspect, made, tmp_path):
    change(tmp_path, "origin.json", lambda said: said | {"data": "list:/nowhere/labels.txt"})
    code, _, err = inspect("--row", "1")
    assert code == 0
    assert (
        len([line for line in err.splitlines() if "no pictures of mistakes: data '/nowhere/labels.txt'" in line]) == 1
    )
    (folder,) = (tmp_path / "run/inspect").iterdir()
    assert {path.name for path in folder.iterdir()} == FILES - {"mistakes.png"}


def test_the_sheet_has_as_many_mistakes_as_there_are(inspect, tmp_path):
    assert "may not be what the nets saw" not in inspect("--row", "1", "--mistakes", "2")[2]
    (file,) = (tmp_path / "run/inspect").rglob("mistakes.png")
    two = Image.open(file).size
    os.utime(tmp_path / "run/origin.json", (0, 0))  # written before all images
    assert "1 of the pictures may not be what the nets saw" in inspect("--row", "1", "--mistakes", "1")[2]
    one = Image.open(file).size
    assert one[1] == two[1]
    assert one[0] < two[0]


def test_only_classes_that_compete_are_predicted(weights, photographs, tmp_path, capsys):
    lines = [f"{photographs.parent}/{k:02d}.png {k % 2 * 3}\n" for k in range(8)]
    (tmp_path / "two.txt").write_text("".join(lines))
    where = ["--data", f"list:{tmp_path}/two.txt", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "run")]
    assert run(["--weights", str(weights), "--protocol", "centre", "--restrict-classes", *where]) == 0
    assert main([str(tmp_path / "run"), "--mistakes", "0"]) == 0
    (file,) = (tmp_path / "run/inspect").rglob("confusion.csv")
    matrix = pd.read_csv(file, index_col=0)
    assert list(matrix.index) == list(matrix.columns) == [CLASSES[0], CLASSES[3]]
    assert np.trace(matrix) == 8 - records(tmp_path)[0]["wrong1"]


@pytest.mark.parametrize(
    ("name", "to", "message"),
    [
        ("results.json", lambda rows: [{**rows[0], "wrong1": rows[0]["wrong1"] - 1}], "but its table says"),
        (
            "results.json",
            lambda rows: [{**rows[0], "signature": "model=other"}],
            r"table is of another run; .* save\(posteriors=True\), or bench.run",
        ),
        ("origin.json", lambda said: said | {"images": 20}, "of 32, but its table says .* of 33"),
        ("origin.json", lambda said: said | {"images": 65}, "000002.npz is damaged or was removed"),
        ("origin.json", lambda said: said | {"classes": ["one"]}, "7 classes, not 1"),
        ("origin.json", lambda said: said | {"competing": [1, 99]}, "do not fit it"),
        ("origin.json", lambda said: said | {"competing": "all"}, "is damaged; the same bench.run command"),
        ("origin.json", lambda said: [said], "is damaged"),
        ("origin.json", lambda said: said | {"images": float("inf")}, "is damaged"),
        ("origin.json", lambda said: said | {"split": 10**400}, "is damaged"),
        ("origin.json", lambda said: said | {"rows": {"x": [[["folder", "1/0"]]]}}, "is damaged"),
    ],
)
def test_what_does_not_fit_is_refused(inspect, tmp_path, name, to, message):
    change(tmp_path, name, to)
    code, out, err = inspect("--row", "1", "--mistakes", "0")
    assert (code, out) == (2, "")
    assert re.search(message, err.splitlines()[-1]), err


MISTAKES = [
    (["--row", "7"], r"--row '7': give numbers from 1 to 6, or of the ids \w{8}, "),
    (["--row", ""], "--row ''"),
    (["--row", "1,banana"], "--row 'banana'"),
    (["--mistakes", "-1"], "--mistakes -1: give a number from 0"),
    (["--row", "1", "--mistakes", "0", "--out", "/dev/null/out"], "give --out DIR"),
    (["--row", "1", "--mistakes", "0", "--store", "/nowhere"], "no stored blocks in /nowhere"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(mistake[0]) for mistake in MISTAKES])
def test_mistakes_end_with_one_line_and_exit_2(inspect, arguments, message):
    code, out, err = inspect(*arguments)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("bench.inspect: error: ")
    assert re.search(message, err)


def test_a_folder_that_is_no_run_is_refused(inspect, tmp_path, capsys):
    assert main([str(tmp_path)]) == main([str(tmp_path / "nothing")]) == 2
    (tmp_path / "run/origin.json").unlink()
    assert inspect()[0] == 2
    assert main([str(tmp_path / "run/results.md")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_names_are_text_in_every_table(inspect, tmp_path):
    nasty = ["a|b", "a\nb", "$x_1$", "é\ud800", '"quoted", name', "twin", "twin"]
    change(tmp_path, "origin.json", lambda said: said | {"classes": nasty})
    code, out, _ = inspect("--row", "1", "--mistakes", "0")
    assert code == 0
    (folder,) = (tmp_path / "run/inspect").iterdir()
    with (folder / "classes.csv").open(encoding="utf-8", newline="") as lines:
        names = [line["class"] for line in csv.DictReader(lines)]
    assert names == ["a|b", "a\nb", "$x_1$", "é\\ud800", '"quoted", name', "twin [5]", "twin [6]"]
    rows = [line for line in (folder / "classes.md").read_text().splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert "a|b" not in out


def test_help_and_tables_need_no_torch(inspect, made, tmp_path):
    code = f"""
import sys
from bench.inspect.__main__ import main, parser
parser().format_help()
assert not {{"numpy", "pandas", "matplotlib", "torch"}} & sys.modules.keys()
assert main([{str(tmp_path / "run")!r}, "--row", "1", "--mistakes", "0"]) == 0
assert "torch" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
