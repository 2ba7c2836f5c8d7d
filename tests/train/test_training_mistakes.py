"""What training is given and cannot use ends with one line."""

import errno
import shutil

import pytest
from conftest import make_image
from conftest import training_words as words

from bench.errors import UserError
from bench.images.survey import USUAL
from bench.train.__main__ import main, parser, requested
from bench.train.training import Training


def test_a_rate_that_diverges_ends_with_one_line(folder, tmp_path, capsys):
    assert main(words(folder, tmp_path, "--rate", "1e9")) == 2
    assert "smaller --rate" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("what", ["learn", "initial_net"])
def test_a_training_that_does_not_fit_into_memory_ends_with_one_line(folder, tmp_path, capsys, monkeypatch, what):
    def lacking(*_: object) -> None:
        raise RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")

    monkeypatch.setattr(f"bench.train.training.{what}", lacking)
    assert main(words(folder, tmp_path)) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("bench.train: error: a training with --batch 4 does not fit into memory (cuDNN error: CUDNN")
    assert "give a smaller --batch" in line


def test_resuming_with_another_recipe_is_refused(folder, tmp_path, capsys):
    next(Training(requested(parser().parse_args(words(folder, tmp_path)))).epochs())
    assert main(words(folder, tmp_path, "--rate", "0.5")) == 2
    assert "was begun with 0.04" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "mistake",
    [
        *("--S 200", "--S x", "--model vgg61", "--init none.pth", "--batch 99", "--pixels x"),
        *("--width 0.5 --model alexnet", "--model inception_v3"),
    ],
)
def test_mistakes_end_with_one_line(folder, tmp_path, capsys, mistake):
    assert main(words(folder, tmp_path, *mistake.split())) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("bench.train: error: ")


@pytest.mark.parametrize(
    "mistake", ["--batch 0", "--workers -1", "--rate -1", "--dropout 2", "--threads 0", "--seed -1", "--epochs 4,0"]
)
def test_numbers_out_of_range_are_refused(folder, tmp_path, capsys, mistake):
    with pytest.raises(SystemExit) as ended:
        main(words(folder, tmp_path, *mistake.split()))
    assert ended.value.code == 2
    assert "give a" in capsys.readouterr().err.splitlines()[-1]


def test_the_weights_that_training_begins_with_stay(folder, tmp_path, weights_of_A, capsys):
    init = shutil.copy(weights_of_A, tmp_path / "weights.safetensors")
    before = init.read_bytes()
    assert main(words(folder, tmp_path, "--init", str(init))) == 2
    said = f"--out '{init}': it belongs to what is read, and would be lost; give another --out"
    assert capsys.readouterr().err.splitlines()[-1] == f"bench.train: error: {said}"
    assert [file.name for file in tmp_path.iterdir()] == ["weights.safetensors"]
    assert init.read_bytes() == before


def test_files_in_the_way_end_with_one_line(folder, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(words(folder, tmp_path / "file" / "out")) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("bench.train: error: --out ")
    (tmp_path / "checkpoint.pt").write_bytes(b"broken")
    assert main(words(folder, tmp_path)) == 2
    assert "checkpoint.pt' cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_training_image_that_cannot_be_decoded_is_named_in_one_line(folder, tmp_path, capfd, workers):
    data = tmp_path / "data"
    shutil.copytree(folder.removeprefix("folder:"), data)
    (data / "train" / "dark" / "0.png").write_bytes(b"no image")
    assert main([*words(f"folder:{data}", tmp_path / "out"), "--workers", workers]) == 2
    said = capfd.readouterr().err.splitlines()[-1]
    what = "cannot be decoded (no image in a format that is read); mend or remove it"
    assert said == f"bench.train: error: image '{data}/train/dark/0.png' {what}"


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_failing_disk_is_one_line_too(folder, tmp_path, monkeypatch, capfd, workers):
    """Whichever thread reads."""

    def fail(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("bench.images.survey.file_header", lambda _: USUAL)
    monkeypatch.setattr("bench.images.decoding.encoded_size", fail)
    assert main([*words(folder, tmp_path / "out"), "--workers", workers]) == 2
    said = capfd.readouterr().err.splitlines()[-1]
    assert said.startswith("bench.train: error: image '")
    assert said.endswith("' cannot be read: Input/output error; mend that and run again")


def test_a_folder_without_a_validation_split_is_an_error(tmp_path):
    (tmp_path / "train" / "cat").mkdir(parents=True)
    make_image((240, 240), 0).save(tmp_path / "train" / "cat" / "1.png")
    with pytest.raises(UserError):
        Training(requested(parser().parse_args(words(f"folder:{tmp_path}", tmp_path / "out"))))
