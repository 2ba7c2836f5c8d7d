"""Predictions for single images: the numbers of `bench.run`, and what is written where."""

import csv
import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import CLASSES, ROOT, make_image, make_weights
from PIL import Image
from torchvision import models

from bench.images.labels.classes import readable
from bench.images.labels.imagenet_names import wnids
from bench.predict.__main__ import main
from bench.predict.report import Report
from bench.run.__main__ import main as run


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """The shallowest net: what is shown here does not depend on depth."""
    return make_weights(tmp_path_factory.mktemp("weights") / "A.safetensors", "vgg11")


@pytest.fixture
def predict(weights, tmp_path, capsys, monkeypatch):
    """Run the command in this process and in a folder of its own: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def predict(*words: str):
        code = main(["--model", "A", "--weights", str(weights), "--protocol", "dense@224", *words])
        return code, *capsys.readouterr()

    return predict


def rows(path: Path) -> dict[str, list[tuple[str, float]]]:
    """A table's classes and probabilities by image."""
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        names, *lines = csv.reader(file)
    assert names == ["image", *(f"{what}{k}" for k in range(1, 6) for what in ("class", "p"))]
    return {line[0]: list(zip(line[1::2], map(float, line[2::2]), strict=True)) for line in lines}


def assert_best(found: list[tuple[str, float]], probs: np.ndarray) -> None:
    """The five largest of a row of posteriors, best first."""
    order = sorted(range(len(probs)), key=lambda k: -probs[k])[:5]
    assert [name for name, _ in found] == [CLASSES[k] for k in order]
    assert np.abs([p for _, p in found] - probs[order]).max() < 1e-6


@pytest.mark.parametrize("nets", [1, 2])
def test_the_numbers_are_those_of_an_evaluation(predict, weights, photographs, tmp_path, nets):
    """34 images are two blocks; two nets are fused."""
    other = make_weights(tmp_path / "other.safetensors", "vgg11", seed=5)
    both = ["--model", "A,A", "--weights", f"{weights},{other}"] if nets == 2 else []
    words = ["--model", "A", "--weights", str(weights), "--protocol", "dense+multicrop@224", "--Q", "224/240", *both]
    places = ["--data", f"list:{photographs}", "--out", f"{tmp_path}/out", "--store", f"{tmp_path}/store"]
    assert run([*words, *places, "--save-posteriors", "--fuse"]) == 0
    saved = np.load(json.loads((tmp_path / "out/results.json").read_text())[-1]["posteriors"])
    expected = dict(zip(saved["ids"].tolist(), saved["posteriors"], strict=True))
    assert predict(str(photographs.parent), "--out", "all.csv", *words)[0] == 0
    table = rows(tmp_path / "all.csv")
    assert [Path(each).name for each in table] == sorted(expected)
    for each, found in table.items():
        assert_best(found, expected[Path(each).name])


@pytest.mark.parametrize(("count", "named"), [(3, "numbers"), (1000, "ImageNet's"), (1001, "--drop-class 0")])
def test_what_nobody_stated_of_the_classes_stands_beside_every_prediction(predict, tmp_path, count, named):
    make_image((64, 64), 0).save(tmp_path / "a.png")
    torch.save(models.squeezenet1_0(num_classes=count).state_dict(), tmp_path / "bare.pth")
    words = ["--model", "squeezenet1_0", "--weights", "bare.pth", "--protocol", "centre@224", "--out", "a.csv"]
    code, out, err = predict("a.png", *words)
    assert code == 0
    (line,) = [line for line in err.splitlines() if line.startswith("- Classes: ")]
    assert named in line
    mark = "pixels, class order, S"
    assert out.splitlines()[0] == f"a.png (assumed: {mark})"
    header, row = csv.reader((tmp_path / "a.csv").read_text().splitlines())
    assert (header[-1], row[-1]) == ("assumed", mark)
    assert len(header) == len(row)


def test_images_that_are_named_are_printed_and_nothing_is_written(predict, photographs, tmp_path):
    names = [f"{photographs.parent}/{k:02d}.png" for k in (3, 1, 3)]
    code, out, err = predict(*names)
    assert code == 0
    assert list(tmp_path.iterdir()) == []
    predict(*names, "--out", "same.csv")
    table = rows(tmp_path / "same.csv")
    assert list(table) == names[:2]  # each once
    lines = [f"{name}\n" + "".join(f"  {p:.6f}  {each}\n" for each, p in best) for name, best in table.items()]
    assert out == "".join(lines)
    assert "assumed" not in err  # these weights say everything


def test_a_folder_gives_a_table_in_a_folder_of_its_own(predict, photographs, tmp_path):
    (tmp_path / "in/deep").mkdir(parents=True)
    for name in ("in/deep/a.png", "in/b.PNG"):
        os.link(photographs.parent / "00.png", tmp_path / name)
    (tmp_path / "in/notes.txt").write_text("no image")
    code, out, err = predict("in")
    (table,) = tmp_path.glob("runs/*/predictions.csv")
    assert (code, out) == (0, "")
    assert f"2 image(s) in {table.relative_to(tmp_path)}" in err
    assert list(rows(table)) == ["in/b.PNG", "in/deep/a.png"]


ODD = ['a b,"c".png', "ä日.png", "two\nlines.png", os.fsdecode(b"\xff.png")]


def test_odd_names_and_broken_files_disturb_no_other(predict, tmp_path):
    (tmp_path / "in").mkdir()
    for k, name in enumerate(ODD):
        make_image((240, 230), k).save(tmp_path / "in" / name)
        (tmp_path / "in" / f"broken {name}").write_bytes(b"no image")
    code, _, err = predict("in", "--out", "t.csv")
    assert code == 1
    assert list(rows(tmp_path / "t.csv")) == sorted(f"in/{name}" for name in ODD)
    named = [line.strip() for line in err.splitlines() if "cannot be read: " in line]
    assert len(named) == len(ODD)
    assert r"cannot be read: in/broken two\nlines.png (no image in a format that is read)" in named
    assert "4 of 8 images cannot be read" in err
    code, out, _ = predict(*(f"in/{name}" for name in ODD))
    assert code == 0
    printed = [line for line in out.splitlines() if not line.startswith("  ")]
    assert printed == ['in/a b,"c".png', "in/ä日.png", r"in/two\nlines.png", r"in/\udcff.png"]


def test_arguments_without_an_image_are_named_and_the_others_are_done(predict, tmp_path):
    make_image((240, 230), 0).save(tmp_path / "here.png")
    make_image((17 * 224, 224), 0).save(tmp_path / "long.png")
    (tmp_path / "empty").mkdir()
    code, out, err = predict(
        "nowhere.jpg", "here.png", "empty", "long.png", "--protocol", "centre@224", "--out", "t.csv"
    )
    assert code == 1
    assert list(rows(tmp_path / "t.csv")) == ["here.png"]
    assert out.splitlines()[0] == "here.png"
    assert "cannot be read: nowhere.jpg (there is no such file or folder)" in err
    assert "cannot be read: empty (no image in this folder or below (" in err
    assert "cannot be read: long.png (too long for its width)" in err
    assert "3 of 4 images cannot be read" in err


def test_a_terminal_without_these_letters_disturbs_nothing(weights, tmp_path):
    make_image((240, 230), 0).save(tmp_path / "ä.png")
    words = [sys.executable, "-m", "bench.predict", str(tmp_path / "ä.png"), "--model", "A", "--weights", str(weights)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*words, "--protocol", "centre@224"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert r"\xe4.png" in done.stdout


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "Permission denied"), OSError(errno.EIO, "no disk")])
def test_a_file_that_may_not_be_read_is_named_and_the_others_are_done(
    predict, photographs, tmp_path, monkeypatch, error
):
    opened = Path.open

    def refused(path: Path, *how, **more):
        if path.name == "b.png":
            raise error
        return opened(path, *how, **more)

    monkeypatch.setattr(Path, "open", refused)
    (tmp_path / "in").mkdir()
    for name in "abc":
        os.link(photographs.parent / "00.png", tmp_path / f"in/{name}.png")
    code, _, err = predict("in", "--out", "all.csv", "--protocol", "centre")
    assert code == 1
    assert f"cannot be read: in/b.png ({error.strerror})" in err
    assert [line.partition(",")[0] for line in Path("all.csv").read_text().splitlines()[1:]] == ["in/a.png", "in/c.png"]


def test_no_more_than_two_blocks_are_in_memory(predict, photographs, tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    for k in range(70):
        os.link(photographs.parent / "00.png", tmp_path / f"in/{k}.png")
    decoded: list[Path] = []
    monkeypatch.setattr(
        "bench.images.loader.rescale", lambda image, Q: decoded.append(image) or image.new_zeros(3, 224, 298)
    )
    before: list[int] = []
    monkeypatch.setattr(Report, "add", lambda *_: before.append(len(decoded)))
    assert predict("in", "--protocol", "centre@224")[0] == 0
    assert len(before) == len(decoded) == 70
    assert before[0] <= 64


def test_stopped_it_keeps_what_is_finished(predict, photographs, tmp_path, monkeypatch):
    tabulate = Report._tabulate

    def stop(report, *what):
        if report.count == 3:
            raise KeyboardInterrupt
        tabulate(report, *what)

    monkeypatch.setattr(Report, "_tabulate", stop)
    code, _, err = predict(str(photographs.parent), "--out", "t.csv", "--protocol", "centre@224")
    assert code == 130
    assert "stopped; the table and the pictures hold what was finished" in err
    assert len(rows(tmp_path / "t.csv")) == 2


@pytest.mark.parametrize("protocol", ["dense@224/256", "centre@224"])
def test_pictures(predict, photographs, tmp_path, protocol):
    tall = make_image((230, 900), 1)
    for name in ("one/a.png", "two/a.png"):
        (tmp_path / name).parent.mkdir()
        tall.save(tmp_path / name)
    wide = tmp_path / f"{'w' * 200}.png"
    make_image((1200, 230), 2).save(wide)
    code, _, err = predict("one/a.png", wide.name, "two/a.png", "--protocol", protocol, "--plot", "p")
    assert code == 0
    assert "3 picture(s) in p" in err
    pictures = sorted((tmp_path / "p").iterdir())
    assert [each.name[:7] for each in pictures] == ["00001-a", "00002-w", "00003-a"]
    assert pictures[0].read_bytes() == pictures[2].read_bytes()  # equal images, equal names
    for each in pictures:
        with Image.open(each) as picture:
            assert 600 < picture.width < 2000
            assert 400 < picture.height < 1200


def test_pictures_have_a_folder_of_their_own_unless_one_is_given(predict, photographs, tmp_path):
    assert predict(f"{photographs.parent}/00.png", "--plot", "--protocol", "centre@224")[0] == 0
    assert len(list(tmp_path.glob("runs/*/00001-00.png.png"))) == 1


MISTAKES = [
    (["nowhere.jpg", "empty"], "image 'nowhere.jpg': there is no such file or folder; give files or folders of images"),
    ([], "no image: give files or folders"),
    (["--plot", "here.png"], "no image.*right behind --plot"),
    (["here.png", "--plot", "here.png"], "give --plot DIR"),
    (["empty"], "'empty': no image in this folder or below"),
    (["here.png", "--protocol", "dense,multicrop"], r"give one; .* 'dense\+multicrop'"),
    (["here.png", "--protocol", "dense@200"], "give a Q of at least 224"),
    (["here.png", "--weights", "auto", "--model", "resnet18"], "no built-in net for resnet18"),
    (["here.png", "--out", "/dev/null/t.csv"], "give --out DIR"),
    (["here.png", "--out", "folder.csv"], "cannot write 'folder.csv': Is a directory"),
    (["here.png", "--device", "tpu"], "device 'tpu'"),
]


@pytest.mark.parametrize(("words", "message"), MISTAKES, ids=[" ".join(mistake[0]) for mistake in MISTAKES])
def test_mistakes_end_with_one_line_before_anything_is_computed(predict, tmp_path, monkeypatch, words, message):
    make_image((240, 230), 0).save(tmp_path / "here.png")
    for folder in ("empty", "folder.csv"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr("bench.nets.model.Model.posteriors", lambda *_, **__: pytest.fail("the net was run"))
    code, out, err = predict(*words)
    assert (code, out) == (2, "")
    line = err.splitlines()[-1]
    assert line.startswith("bench.predict: error: ")
    assert re.search(message, line), line


def test_a_table_is_never_written_over_an_image(predict, tmp_path):
    with pytest.raises(SystemExit, match="2"):
        predict("a.jpg", "--out", "b.jpg")
    make_image((240, 230), 0).save(tmp_path / "a.csv", "PNG")
    code, _, err = predict("a.csv", "--out", "./a.csv")
    assert (code, "--out 'a.csv': it belongs to what is read" in err) == (2, True)


def test_nets_of_different_classes_are_not_fused(predict, photographs, weights):
    code, _, err = predict(f"{photographs.parent}/00.png", "--model", "A,D", "--weights", f"{weights},builtin:D-256")
    assert code == 2
    assert "do not have the same classes" in err.splitlines()[-1]


def test_imagenets_classes_have_names_whoever_knows_them():
    names = readable(None, 1000)
    assert (names[0], names[207], names[999]) == ("tench", "golden retriever", "toilet tissue")
    assert readable(wnids(), 1000) == names
    assert readable(("cat", "dog"), 2) == ("cat", "dog")
    assert readable(None, 3) == ("0", "1", "2")


def test_help_answers_without_torch():
    code = "import sys, bench.predict.__main__ as it; it.parser().format_help(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
