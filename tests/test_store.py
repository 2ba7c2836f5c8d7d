import errno
import os
import stat
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from results.aside import DEAD
from results.posteriors import Posteriors
from results.store import Block, Store, StoreError, reopen

ROOT = Path(__file__).parents[1]
KEY = {"weights": "0123", "part": "dense@256", "data": "4567"}
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


def block(n=6, corrupt=()):
    probs = np.random.default_rng(n).dirichlet(np.ones(3), n).astype(np.float32)
    ids = np.array([f"n01440764/é {i}.jpg" for i in range(n)], dtype=str)
    return Block(Posteriors(probs, np.arange(n) % 3, ids), seconds=1 / 3, device="cpu", corrupt=corrupt)


def same(one, other):
    arrays = ("probs", "labels", "ids")
    return (one.seconds, one.device, one.corrupt) == (other.seconds, other.device, other.corrupt) and all(
        np.array_equal(getattr(one.posteriors, name), getattr(other.posteriors, name)) for name in arrays
    )


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, KEY)


@pytest.mark.parametrize("content", [block(), block(5, ("a.jpg", "ü/b c.jpg")), block(0, ("all.jpg",))])
def test_what_is_written_reads_back_to_the_bit(store, content):
    assert not store.has(3)
    store.write(3, content)
    assert store.has(3)
    assert same(store.read(3), content)
    assert store.read(3).posteriors.probs.dtype == np.float32


def test_blocks_are_apart_and_the_later_writing_counts(store):
    store.write(0, block(4))
    store.write(1, block(5))
    store.write(1, block(6))
    assert same(store.read(0), block(4))
    assert same(store.read(1), block(6))


def test_a_missing_block_reads_as_none(store):
    assert store.read(0) is None
    store.write(0, block())
    assert store.read(1) is None
    assert not store.has(1)


def test_another_store_with_the_same_key_finds_the_blocks(store, tmp_path):
    store.write(0, block())
    assert Store(tmp_path, dict(reversed(KEY.items()))).has(0)


def test_each_difference_of_keys_gives_another_folder(tmp_path):
    keys = [KEY, *({**KEY, name: "x"} for name in KEY), {**KEY, "map": "mean"}, {}, {"a": "bc"}, {"ab": "c"}]
    assert len({Store(tmp_path, key).folder for key in keys}) == len(keys)


def test_the_key_lies_beside_the_blocks_and_nothing_else_does(store):
    store.write(0, block())
    assert files_in(store.folder) == ["000000.npz", "key.json"]
    assert all(value in (store.folder / "key.json").read_text() for value in KEY.values())


def test_a_truncated_block_reads_as_none(store):
    store.write(0, block())
    whole = store.path(0).read_bytes()
    for length in range(0, len(whole), 19):
        store.path(0).write_bytes(whole[:length])
        assert store.read(0) is None, length


def test_a_flipped_bit_is_noticed_or_changes_nothing(store):
    store.write(0, block())
    whole = store.path(0).read_bytes()
    for place in range(0, len(whole), 3):  # 3 and 8 have no common factor: every bit has its turn
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        store.path(0).write_bytes(damaged)
        found = store.read(0)
        assert found is None or same(found, block()), place


def test_a_flipped_bit_of_the_numbers_reads_as_none(store):
    store.write(0, block())
    whole, numbers = store.path(0).read_bytes(), block().posteriors.probs.tobytes()
    start = whole.index(numbers)
    for place in range(start, start + len(numbers)):
        store.path(0).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert store.read(0) is None, place


def test_a_block_in_the_place_of_another_reads_as_none(store, tmp_path):
    other = Store(tmp_path, {**KEY, "part": "dense@384"})
    store.write(0, block())
    other.write(0, block(5))
    for path in (store.path(1), other.path(0)):
        path.write_bytes(store.path(0).read_bytes())
    assert store.read(1) is None
    assert other.read(0) is None
    assert same(store.read(0), block())


def test_an_altered_header_that_makes_an_array_shorter_reads_as_none(store):
    """A reader that stops there never comes to the checksum at the end."""
    names = np.array([f"{k}/{'x' * 300}.jpg" for k in range(32)])
    probs = np.full((32, 4), 0.25, np.float32)
    store.write(0, replace(block(), posteriors=Posteriors(probs, np.zeros(32, int), names)))
    whole = store.path(0).read_bytes()
    assert whole.count(b"'<U307'") == 1
    store.path(0).write_bytes(whole.replace(b"'<U307'", b"'<U107'"))
    assert store.read(0) is None


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


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), bytes(4096)])
def test_another_file_in_the_place_of_a_block_reads_as_none(store, content):
    store.write(0, block())
    store.path(0).write_bytes(content)
    assert store.read(0) is None


def test_posteriors_that_do_not_add_up_are_neither_kept_nor_read(store, monkeypatch):
    wrong = block()
    wrong.posteriors.probs[0] *= 2
    with pytest.raises(ValueError, match="do not add up to 1"):
        store.write(0, wrong)
    assert not store.has(0)
    monkeypatch.setattr(Posteriors, "check", lambda self: None)
    store.write(0, wrong)
    monkeypatch.undo()
    assert store.read(0) is None


def test_a_damaged_block_is_mended_by_writing_again(store):
    store.write(0, block())
    store.path(0).write_bytes(b"")
    store.write(0, block())
    assert same(store.read(0), block())


@pytest.mark.parametrize("earlier", [False, True])
def test_an_exception_inside_the_write_leaves_nothing_behind_and_harms_no_earlier_block(store, earlier):
    if earlier:
        store.write(0, block())
    unwritable = replace(block().posteriors, ids=np.array([lambda: 0 for _ in range(6)], dtype=object))
    with pytest.raises(Exception, match="pickle"):
        store.write(0, replace(block(), posteriors=unwritable))
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
        assert not store.has(0) or len(store.read(0).posteriors) == 500
    assert [writer.returncode for writer in writers] == [0, 0]
    assert files_in(store.folder) == ["000000.npz", "key.json"]
    assert store.read(0).posteriors.ids.tolist() == [str(i) for i in range(500)]


def test_a_store_is_reopened_by_its_folder(store, tmp_path):
    with pytest.raises(StoreError, match=r"no stored blocks in .*; give --store DIR"):
        reopen(store.folder)
    store.write(0, block())
    assert reopen(store.folder).path(0) == store.path(0)
    moved = tmp_path / "moved" / store.folder.name
    moved.parent.mkdir()
    store.folder.rename(moved)
    (moved / "key.json").write_text("altered")  # it is for people
    assert same(reopen(moved).read(0), block())
