"""A store on disks that fail, fill up or are shared."""

import errno
import os
import stat
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from blocks import KEY, block, files_in, same

from results.atomic_files import DEAD
from results.store import Store, StoreError

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
import numpy as np
from results.posteriors import Posteriors
from results.store import Block, Store, StoreError
n = int(sys.argv[2])
posteriors = Posteriors(np.full((n, 4), 0.25, np.float32), np.arange(n) % 4, np.array([str(i) for i in range(n)]))
block = Block(posteriors, seconds=1.0, device="cpu")
store = Store(Path(sys.argv[1]), {"part": "dense@256"})
"""


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, KEY)


def test_what_killed_writers_left_is_removed_and_what_others_write_is_not(store):
    store.write(0, block())
    old, new = (store.folder / f".000001.npz.{name}" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half a block")
    os.utime(old, (time.time() - DEAD - 60,) * 2)
    os.utime(store.path(0), (time.time() - DEAD - 60,) * 2)
    store.tidy()
    assert files_in(store.folder) == [new.name, "000000.npz", "key.json"]


def test_a_block_and_its_name_are_on_disk_before_the_writing_returns(store, monkeypatch):
    store.write(0, block())
    done = []
    fsync, rename = os.fsync, Path.replace

    def flush(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "replace", lambda *paths: done.append("name") or rename(*paths))
    store.write(0, block())
    assert done == ["file", "name", "folder"]


def of_folders(fails):
    """An fsync that cannot do with folders what it does with files."""
    fsync = os.fsync
    return lambda descriptor: (fails if stat.S_ISDIR(os.fstat(descriptor).st_mode) else fsync)(descriptor)


@pytest.mark.parametrize(("number", "kept"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_file_system_that_flushes_no_folders_takes_blocks_all_the_same(store, monkeypatch, number, kept):
    def fail(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", of_folders(fail))
    with nullcontext() if kept else pytest.raises(StoreError, match="cannot write to the store"):
        store.write(0, block())
        assert same(store.read(0), block())


@pytest.mark.parametrize("number", [errno.EACCES, errno.ESTALE, errno.EMFILE])
def test_a_store_that_cannot_be_read_for_now_is_one_line_and_not_computed_again(store, monkeypatch, number):
    store.write(0, block())

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(StoreError, match=f"cannot read .*{os.strerror(number)}; mend that and run again"):
        store.read(0)


@pytest.mark.parametrize("earlier", [False, True])
def test_an_exception_inside_the_write_leaves_nothing_behind_and_harms_no_earlier_block(store, earlier):
    if earlier:
        store.write(0, block())
    with pytest.raises(Exception, match="pickle"):
        store.write(0, replace(block(), device=lambda: 0))
    assert files_in(store.folder) == ["000000.npz"] * earlier + ["key.json"]
    assert store.has(0) == earlier


@pytest.mark.parametrize("below", ["file", "file/deeper/store"])
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, below):
    (tmp_path / "file").write_text("a regular file")
    store = Store(tmp_path / below, KEY)
    assert not store.has(0)
    assert store.read(0) is None
    with pytest.raises(
        StoreError, match=r"cannot write to the store .*(Not a directory|exists); .* give --store DIR"
    ) as caught:
        store.write(0, block())
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_line_and_leaves_no_part_of_a_block(tmp_path):
    """A limit on the length of files stands for the full disk: the system refuses the bytes in the middle."""
    pytest.importorskip("resource")
    script = WRITER + (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try:\n    store.write(0, block)\n"
        "except StoreError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path, "1000"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("cannot write to the store")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert files_in(Store(tmp_path, {"part": "dense@256"}).folder) == ["key.json"]


def test_two_processes_may_write_one_block_while_a_third_reads(tmp_path):
    script = WRITER + "for _ in range(25):\n    store.write(0, block)\n"
    store = Store(tmp_path, {"part": "dense@256"})
    writers = [subprocess.Popen([sys.executable, "-c", script, tmp_path, "500"], cwd=ROOT) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert not store.has(0) or len(store.read(0).rows) == 500
    assert [writer.returncode for writer in writers] == [0, 0]
    assert files_in(store.folder) == ["000000.npz", "key.json"]
    assert store.read(0).rows.ids.tolist() == [str(i) for i in range(500)]
