"""Blocks of a store as they are written and read back, damaged ones too."""

from dataclasses import replace

import numpy as np
import pytest
from blocks import KEY, block, files_in, same

from results.posteriors import Posteriors
from results.store import Store, StoreError, reopen


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, KEY)


@pytest.mark.parametrize("content", [block(), block(5, ("a.jpg", "ü/b c.jpg")), block(0, ("all.jpg",))])
def test_what_is_written_reads_back_to_the_bit(store, content):
    assert not store.has(3)
    store.write(3, content)
    assert store.has(3)
    assert same(store.read(3), content)
    assert store.read(3).rows.probs.dtype == np.float32


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
    whole, numbers = store.path(0).read_bytes(), block().rows.probs.tobytes()
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
    store.write(0, replace(block(), rows=Posteriors(probs, np.zeros(32, int), names)))
    whole = store.path(0).read_bytes()
    assert whole.count(b"'<U307'") == 1
    store.path(0).write_bytes(whole.replace(b"'<U307'", b"'<U107'"))
    assert store.read(0) is None


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), bytes(4096)])
def test_another_file_in_the_place_of_a_block_reads_as_none(store, content):
    store.write(0, block())
    store.path(0).write_bytes(content)
    assert store.read(0) is None


def test_posteriors_that_do_not_add_up_are_neither_kept_nor_read(store, monkeypatch):
    wrong = block()
    wrong.rows.probs[0] *= 2
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


@pytest.mark.parametrize("name", ["probs", "labels", "ids", "seconds", "device", "corrupt"])
def test_a_block_that_lacks_one_of_its_arrays_reads_as_none(store, name):
    store.write(0, block())
    kept = dict(np.load(store.path(0)))
    np.savez(store.path(0), **kept)
    assert store.read(0) is not None
    kept.pop(name)
    np.savez(store.path(0), **kept)
    assert store.read(0) is None


def test_a_block_of_before_it_said_what_made_it_reads_as_one_that_does_not_say(store):
    store.write(0, block())
    kept = dict(np.load(store.path(0)))
    kept.pop("made")
    np.savez(store.path(0), **kept)
    assert store.read(0).made == {}
    assert same(replace(store.read(0), made=block().made), block())


@pytest.mark.parametrize("said", ["[1]", "{", "null", '"torch"'])
def test_a_block_that_says_nonsense_of_its_making_reads_as_none(store, said):
    store.write(0, block())
    np.savez(store.path(0), **{**np.load(store.path(0)), "made": np.array(said)})
    assert store.read(0) is None
