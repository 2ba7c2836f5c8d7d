"""A full disk and a kill where other commands write: pictures that are made here, a training's files."""

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from conftest import ROOT, environment, make_image, training_words

from bench.errors import UserError
from bench.folders import dated
from bench.images.sets.rendered import keep_picture, line, make_folder, make_pictures
from bench.nets.reading import read_weights
from bench.train.__main__ import main as train
from bench.train.__main__ import parser, requested
from bench.train.checkpoint import keep
from bench.train.features import _room
from bench.train.training import Training
from results.atomic_files import DEAD

KILLED = """
import os, signal, sys
from pathlib import Path
from bench.images.sets.rendered import make_folder

def pictures(folder):
    (folder / "0.png").write_bytes(b"half a picture")
    os.kill(os.getpid(), signal.SIGKILL)

make_folder(Path(sys.argv[1]), pictures)
"""


KILLED_IN_A_PICTURE = """
import os, signal, sys
from pathlib import Path
from PIL import Image
from bench.images.sets.rendered import keep_picture

keep_picture(Path(sys.argv[1]), 0, Image.new("RGB", (8, 8)))
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
keep_picture(Path(sys.argv[1]), 1, Image.new("RGB", (8, 8)))
"""


def no_space(*_) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def pictures(folder: Path):
    image = make_image((32, 32), 0)
    image.save(folder / "0.png")
    yield line("0.png", 0, image)


def test_pictures_that_find_no_room_end_with_one_line_and_leave_nothing(tmp_path, tried):
    def too_many(folder: Path):
        yield from pictures(folder)
        no_space()

    with pytest.raises(UserError, match=r"No space left on device; free space, or set XDG_CACHE_HOME"):
        make_folder(tmp_path / "cache" / "val", too_many)
    assert not list((tmp_path / "cache").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="set XDG_CACHE_HOME"):
        make_folder(tmp_path / "file" / "val", pictures)
    make_folder(tmp_path / "cache" / "val", pictures)
    assert len(list((tmp_path / "cache" / "val").iterdir())) == 2
    tried(
        "disk", "full (simulated), or no folder, while pictures are rendered", 2, "one line; the next run rendered them"
    )


def test_pictures_of_a_killed_rendering_are_removed_and_those_of_another_at_work_are_not(tmp_path, tried):
    words = [sys.executable, "-c", KILLED, str(tmp_path / "val")]
    done = subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (killed,) = tmp_path.iterdir()
    for name, age in ((killed.name, DEAD + 60), ("val-at_work0", 60), ("val-small", DEAD + 60)):
        (tmp_path / name).mkdir(exist_ok=True)
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    make_folder(tmp_path / "val", pictures)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["val", "val-at_work0", "val-small"]
    tried("killed", "while pictures are rendered", 1, "half the pictures are never measured, and removed in time")


def test_a_rendering_that_is_killed_goes_on_from_the_pictures_that_it_finished(tmp_path, tried):
    words = [sys.executable, "-c", KILLED_IN_A_PICTURE, str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (half,) = tmp_path.glob(".00001-*")
    drawn: list[int] = []

    def draw(numbers):
        for number in numbers:
            drawn.append(number)
            keep_picture(tmp_path, number, make_image((8, 8), number))
            yield

    assert set(make_pictures(tmp_path, [1, 0], draw)) == {0, 1}
    assert drawn == [1]
    assert half.exists()  # another may be at it
    os.utime(half, (time.time() - DEAD - 60,) * 2)
    make_pictures(tmp_path, [0, 1], draw)
    assert not half.exists()
    assert drawn == [1]
    tried("killed", "while one of many pictures is written", 1, "half a picture is never measured, the others are kept")


def test_pictures_one_by_one_that_find_no_room_end_with_one_line(tmp_path, monkeypatch, tried):
    monkeypatch.setattr("results.atomic_files.os.fsync", no_space)
    with pytest.raises(UserError, match=r"No space left on device; free space, or set XDG_CACHE_HOME"):
        make_pictures(tmp_path / "val", [0], lambda _: [keep_picture(tmp_path / "val", 0, make_image((8, 8), 0))])
    assert not list((tmp_path / "val").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="set XDG_CACHE_HOME"):
        make_pictures(tmp_path / "file" / "val", [0], list)
    tried("disk", "full (simulated), or no folder, while one of many pictures is written", 2, "one line")


def test_a_training_that_finds_no_room_keeps_its_last_epoch(folder, tmp_path, monkeypatch, capsys, tried):
    """Its files are: a checkpoint and a log after each of two epochs, and the weights."""
    whole, cut = (training_words(folder, tmp_path / name) for name in ("whole", "cut"))
    assert train(whole) == 0
    for failing, epochs in ((1, 0), (2, 1), (2, 1), (3, 2), (3, 2)):  # a later run logs what is done first
        monkeypatch.setattr(os, "fsync", full_at(failing))
        assert train(cut) == 2
        monkeypatch.undo()
        said = capsys.readouterr().err.splitlines()
        assert "No space left on device; what is finished is kept; free space" in said[-1]
        assert not any("Traceback" in each for each in said)
        assert len(Training(requested(parser().parse_args(cut))).done) == epochs
    assert train(cut) == 0
    one, other = (read_weights(f"{tmp_path}/{name}/weights.safetensors") for name in ("whole", "cut"))
    assert one.digest == other.digest
    tried("disk", "full (simulated), while a training writes", 5, "one line; the next run went on to the same weights")


def full_at(number: int):
    """The disk is full for the file of this number."""
    flush, flushed = os.fsync, []

    def fail(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            flushed.append(descriptor)
            if len(flushed) == number:
                no_space()
        flush(descriptor)

    return fail


def test_a_checkpoint_that_finds_no_room_leaves_the_last_one(tmp_path, monkeypatch, tried):
    keep(tmp_path / "checkpoint.pt", {"epoch": 1})
    before = (tmp_path / "checkpoint.pt").read_bytes()
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        keep(tmp_path / "checkpoint.pt", {"epoch": 2})
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
    tried("disk", "full (simulated), while a checkpoint is written", 1, "the last one is whole")


def test_runs_started_in_the_same_second_do_not_share_a_folder(tmp_path, monkeypatch, tried):
    class Now(datetime):
        @classmethod
        def now(cls, tz=None) -> datetime:
            return datetime(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr("bench.folders.datetime", Now)
    names = [dated(tmp_path / "runs").name for _ in range(3)]
    assert names == ["20260102-030405", "20260102-030405-2", "20260102-030405-3"]
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="give --out DIR"):
        dated(tmp_path / "file")
    tried("disk", "runs started in the same second without --out", 3, "a folder each")


def test_room_for_features_is_taken_at_once(tmp_path, monkeypatch, tried):
    """A file with holes would end the process without a word where the disk fills up meanwhile."""
    rows = _room(tmp_path / "features-train.npy", (1000, 256))
    assert (tmp_path / "features-train.npy").stat().st_blocks * 512 >= rows.nbytes
    monkeypatch.setattr(os, "posix_fallocate", no_space)
    with pytest.raises(UserError, match=r"No space left on device; .* free space"):
        _room(tmp_path / "features-val.npy", (1000, 256))
    tried("disk", "full (simulated), where features are to be kept", 1, "one line before the work")
