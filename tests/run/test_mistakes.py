"""What a run cannot do ends with one line; what cannot be decoded is named or left out."""

import re

import numpy as np
import pytest
import torch
from conftest import make_image, make_weights
from safetensors.torch import save_file

from bench.nets import zoo

pytest_plugins = ("run_command",)


@pytest.fixture
def corrupt(tmp_path) -> str:
    """Five images, two of which cannot be decoded."""
    for k in range(5):
        make_image((300, 260), k).save(tmp_path / f"{k}.jpg")
    (tmp_path / "1.jpg").write_bytes(b"")
    (tmp_path / "3.jpg").write_bytes((tmp_path / "3.jpg").read_bytes()[:700])
    (tmp_path / "list.txt").write_text("".join(f"{k}.jpg {k}\n" for k in range(5)))
    return f"list:{tmp_path}/list.txt"


def test_corrupt_files_end_the_run_and_are_all_named(run, corrupt):
    code, out, err, _ = run(data=corrupt)
    assert (code, out) == (2, "")
    assert "2 image(s) cannot be decoded" in err.splitlines()[-1]
    assert "): 1.jpg, 3.jpg; " in err.splitlines()[-1]


def test_skip_corrupt_leaves_them_out_and_says_so(run, corrupt):
    _, out, _, rows = run("--skip-corrupt", "--save-posteriors", data=corrupt)
    assert (rows[0]["n"], rows[0]["skipped"]) == (3, 2)
    assert "2 corrupt left out" in out
    assert "skipped=2" in rows[0]["signature"]
    assert np.load(rows[0]["posteriors"])["ids"].tolist() == ["0.jpg", "2.jpg", "4.jpg"]
    assert run(data=corrupt)[0] == 2  # what was left out once is not forgotten


def test_nothing_but_corrupt_files_is_an_error(run, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no image")
    (tmp_path / "list.txt").write_text("a.jpg 0\n")
    code, _, err, _ = run("--skip-corrupt", data=f"list:{tmp_path}/list.txt")
    assert code == 2
    assert "no image is left to count" in err.splitlines()[-1]


MISTAKES = [
    (["--model", "vgg61"], "model 'vgg61'.*did you mean"),
    (["--protocol", "dnese"], "did you mean dense"),
    (["--protocol", "dense@0"], "Q '0'"),
    (["--protocol", "dense@"], "Q ''"),
    (["--protocol", ""], "protocol ''"),
    (["--Q", "banana"], "Q 'banana'"),
    (["--protocol", "dense@200"], "becomes 200 px .* vgg16 needs 224; give a Q of at least 224"),
    (["--protocol", "multicrop@200"], "needs 224"),
    (["--data", "shape"], "shapes"),
    (["--data", "folder:/nowhere"], "/nowhere"),
    (["--weights", "nowhere.pth"], "no such file"),
    (["--weights", "auto"], "give --weights"),
    (["--weights", "a.pth,b.pth"], "2 for 1 models"),
    (["--model", "resnet18"], "are for vgg16"),
    (["--pixels", "caffe"], "say BGR/255/104,117,123/60,61,62 themselves"),
    (["--pixels", "banana"], "give torchvision, caffe"),
    (["--S", "512-256"], "S '512-256'"),
    (["--limit", "none"], "--limit 'none'"),
    (["--limit", "0"], "--limit '0'"),
    (["--batch-size", "-1"], "--batch-size '-1'"),
    (["--device", "tpu"], "device 'tpu'"),
    (["--columns", "n,wrng1"], "columns 'wrng1': give all, or some of: model, .*, wrong1, "),
    (["--store", "/dev/null/store"], "give --store DIR"),
    (["--out", "/dev/null/out"], "give --out DIR"),
    (["--out", "/dev/null/out", "--save-posteriors"], "give --out DIR"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(mistake[0]) for mistake in MISTAKES])
def test_mistakes_end_with_one_line_and_exit_2(run, arguments, message):
    code, out, err, _ = run(*arguments)
    assert (code, out) == (2, "")
    line = err.splitlines()[-1]
    assert line.startswith("bench.run: error: ")
    assert re.search(message, line.replace("'='", "=")), line


def test_weights_for_another_number_of_classes_are_refused(run, tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "data" / name).mkdir(parents=True)
        make_image((260, 260), 0).save(tmp_path / "data" / name / "1.png")
    state = {key: torch.zeros(value.shape) for key, value in zoo.build("squeezenet1_1", 7).state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    arguments = ["--model", "squeezenet1_1", "--weights", str(tmp_path / "w.safetensors")]
    code, _, err, _ = run(*arguments, data=f"folder:{tmp_path}/data")
    assert code == 2
    assert re.search(r"2.* 7 classes", err)


def test_a_dtype_that_a_net_lacks_ends_with_one_line(run, tmp_path):
    path = make_weights(tmp_path / "lrn.safetensors", "vgg11-lrn")
    code, _, err, _ = run("--model", "A-LRN", "--weights", str(path), "--dtype", "bf16")
    assert code == 0 or "give --dtype fp32" in err.splitlines()[-1]


def test_tf32_without_cuda_is_refused(run):
    if not torch.cuda.is_available():
        assert "only CUDA devices have it" in run("--dtype", "tf32")[2]
