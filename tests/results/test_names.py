"""Names do not depend on the locale: what is trained and measured in one goes on in any other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from conftest import environment, make_image

from bench.inspect.__main__ import main as inspect
from bench.nets.reading import read_weights
from bench.nets.weights import Weights, save_weights
from bench.run.__main__ import main as run
from results.atomic_files import write_text_atomically
from results.names import mended, text_of, unicode_of
from results.result import Result
from results.written_tables import read_table

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NAMES = ("Blüte", "Käfer", "Weg")
# a training and an evaluation of it, then one by a list whose paths and labels are such names
COMMANDS = """
import sys
from bench.run.__main__ import main as run
from bench.train.__main__ import main as train
assert sys.getfilesystemencoding() == "ascii"
net = ["--model", "simplecnn", "--weights", "w\\udcc3\\udcbc/weights.safetensors", "--protocol", "centre"]
net += ["--store", "store"]
whole = ["--data", "folder:Sch\\udcc3\\udcb6n", "--split", "0.5"]
words = ["--S", "64", "--batch", "2", "--workers", "0", "--epochs", "1", "--threads", "1", "--out", "w\\udcc3\\udcbc"]
assert train(["--model", "simplecnn", *whole, *words]) == 0
assert run([*net, *whole, "--out", "out", "--save-posteriors"]) == 0
assert run([*net, "--data", "list:list.csv", "--out", "l\\udcc3\\udcbc", "--save-posteriors"]) == 0
"""


def test_a_training_under_an_ascii_locale_names_its_classes_in_utf8(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ["file,label"]
    for number, name in enumerate(NAMES):
        Path("Schön", name).mkdir(parents=True)
        for k in range(4):
            make_image((70, 64), 10 * number + k).save(Path("Schön", name, f"{k}ß.png"))
            lines.append(f"Schön/{name}/{k}ß.png,{name}")
    Path("list.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS], env=environment() | ASCII, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert read_weights("wü/weights.safetensors").classes == NAMES
    net = ["--model", "simplecnn", "--weights", "wü/weights.safetensors", "--protocol", "centre", "--store", "store"]
    for out, data in {"out": ["folder:Schön", "--split", "0.5"], "lü": ["list:list.csv"]}.items():
        (theirs,) = json.loads(Path(out, "results.json").read_text())
        blocks = {path: path.stat().st_mtime_ns for path in Path("store").rglob("*.npz")}
        assert run([*net, "--data", *data, "--out", "again"]) == 0
        (ours,) = json.loads(Path("again/results.json").read_text())
        same = ("signature", "data", "weights", "wrong1", "n")
        assert [theirs[name] for name in same] == [ours[name] for name in same]
        assert {path: path.stat().st_mtime_ns for path in Path("store").rglob("*.npz")} == blocks  # nothing anew
        assert Path(theirs["posteriors"]).is_file()
        assert inspect([out, "--mistakes", "1"]) == 0
        assert NAMES[0] in next(Path(out, "inspect").rglob("classes.csv")).read_text(encoding="utf-8")


def test_names_in_headers_of_such_trainings_are_mended(tmp_path):
    """Earlier versions wrote the bytes of letters as surrogates."""
    broken = tuple(name.encode().decode("ascii", "surrogateescape") for name in NAMES)
    assert broken != NAMES
    save_weights(tmp_path / "w.safetensors", Weights("x", {"w": torch.ones(3, 2)}, classes=broken), {})
    assert read_weights(str(tmp_path / "w.safetensors")).classes == NAMES


def test_bytes_that_are_no_letters_are_codes_in_tables(tmp_path):
    odd = os.fsdecode(b"a\xff")
    assert text_of(odd) == mended(odd) == odd
    assert unicode_of(odd) == r"a\udcff"
    assert unicode_of("\ud800") == r"\ud800"
    result = Result("m", "D", "w", "256", "256", "centre@256", "d", 4, 0, 1, None, 1, 1.0, (), "a=b", f"{odd}/x.npz",
                    provenance={"command": odd})  # fmt: skip
    assert {result.record()["command"], result.record()["posteriors"]} == {r"a\udcff", r"a\udcff/x.npz"}
    write_text_atomically(tmp_path / "results.json", json.dumps([result.record()]))
    assert read_table(tmp_path / "results.json")
    write_text_atomically(tmp_path / "t.txt", odd)
    assert (tmp_path / "t.txt").read_bytes() == rb"a\udcff"
