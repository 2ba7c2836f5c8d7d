"""Blocks that were damaged, altered or exchanged on disk are found, said and computed again, never averaged in."""

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from mishaps import lose_sector
from victims import blocks_in, found_by, run

from bench.inspect.__main__ import main
from results.store import Block, Store, reopen

pytest_plugins = ("victims",)


def truncated(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def altered(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ chance.randint(1, 255)]) + content[place + 1 :]


def zeroed(content: bytes, chance: random.Random) -> bytes:
    """As a file system leaves a file whose length it kept and whose contents it lost."""
    return bytes(len(content))


def exchanged(content: bytes, chance: random.Random) -> bytes:
    """A run of bytes from elsewhere in the file, as a sector that was written to a wrong place."""
    here, there = (chance.randrange(len(content) - 64) for _ in range(2))
    return content[:here] + content[there : there + 64] + content[here + 64 :]


def said(block: Block | None) -> tuple | None:
    """All that a block says, to the bit."""
    if block is None:
        return None
    arrays = (block.rows.probs, block.rows.labels, block.rows.ids)
    return (*(array.tobytes() for array in arrays), block.seconds, block.device, block.corrupt)


@pytest.mark.parametrize("damage", [truncated, altered, zeroed, exchanged])
def test_damage_to_any_byte_is_noticed_or_changes_nothing(small, tmp_path, every, tried, damage):
    """Of one block, read directly, since that is quick."""
    chance = random.Random(damage.__name__)
    original = sorted(blocks_in(small.folder / "fresh"))[0]
    copy = tmp_path / original.parent.name / original.name
    copy.parent.mkdir()
    whole, right = original.read_bytes(), said(reopen(original.parent).read(0))
    assert right
    times = 3000 if every else 100
    noticed = 0
    for _ in range(times):
        copy.write_bytes(damage(whole, chance))
        read = said(reopen(copy.parent).read(0))
        assert read in (None, right)
        noticed += read is None
    assert noticed > times / 2
    tried("disk", f"a block {damage.__name__}, read directly", times, "noticed, or the same numbers")


def damaged_on_disk(damage: Callable[[bytes, random.Random], bytes]) -> Callable[[Path, random.Random], str]:
    def act(path: Path, chance: random.Random) -> str:
        whole = path.read_bytes()
        while (broken := damage(whole, chance)) == whole:
            pass
        path.write_bytes(broken)
        return "is damaged"

    act.__name__ = damage.__name__
    return act


def relabelled(path: Path, _) -> str:
    """Whole by its checksum, as a program with other labels would have written it."""
    store = Store(path.parent.parent, {})
    store.folder = path.parent
    block = reopen(path.parent).read(int(path.stem))
    assert block
    posteriors = replace(block.rows, labels=block.rows.labels[::-1].copy())
    store.write(int(path.stem), replace(block, rows=posteriors))
    return "holds other images or labels"


def put_in_the_place_of_another(path: Path, _) -> str:
    """Of another part, of the same images: only the block itself can say that it does not belong there."""
    (other, *_) = [each for each in sorted(blocks_in(path.parent.parent)) if each != path and each.name == path.name]
    path.write_bytes(other.read_bytes())
    return "is damaged"


ACTS = [*map(damaged_on_disk, (truncated, zeroed, exchanged)), relabelled, put_in_the_place_of_another]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_a_block_that_is_not_right_is_said_and_computed_again(small, tmp_path, every, tried, act):
    chance = random.Random(act.__name__)
    words, times = small.arguments(tmp_path / "out"), 5 if every else 1
    shutil.copytree(small.folder / "fresh", tmp_path / "store")
    for _ in range(times):
        block = chance.choice(sorted(blocks_in(tmp_path / "store")))
        what = act(block, chance)
        stored = blocks_in(tmp_path / "store")
        (ended,) = run(words)
        assert ended.code == 0, ended.said
        assert f"stored block {block} {what}; it is computed again" in ended.said
        assert found_by(tmp_path / "out") == small.found
        assert list(dict(blocks_in(tmp_path / "store").items() - stored.items())) == [block]
    tried("disk", f"a block {act.__name__.replace('_', ' ')}", times, "said, computed again, and no other")


def test_a_block_that_the_disk_cannot_read_is_computed_again(small, tmp_path, tried):
    shutil.copytree(small.folder / "fresh", tmp_path / "store")
    lost = sorted(blocks_in(tmp_path / "store"))[5]
    (ended,) = run(small.arguments(tmp_path / "out"), faults={0: partial(lose_sector, lost)})
    assert ended.code == 0, ended.said
    assert f"{lost} is damaged; it is computed again" in ended.said
    assert found_by(tmp_path / "out") == small.found
    tried("disk", "a block on a sector that cannot be read", 1, "said, computed again")


def test_a_block_that_goes_wrong_while_the_run_is_at_work_is_not_counted(small, tmp_path, tried):
    """Removed, or relabelled, after it was found whole and before it is counted."""
    shutil.copytree(small.folder / "fresh", tmp_path / "store")
    block = sorted(blocks_in(tmp_path / "store"))[1]
    for act, what in ((Path.unlink, "is damaged or was removed"), (relabel, "does not hold the images")):
        words = small.arguments(tmp_path / "out")
        assert run(words)[0].code == 0
        (ended,) = run(words, faults={0: partial(spoil_before_counting, block, act)})
        assert ended.code == 2
        assert what in ended.said.splitlines()[-1]
        assert "run again what computed it" in ended.said.splitlines()[-1]
    assert run(words)[0].code == 0
    assert found_by(tmp_path / "out") == small.found
    tried("disk", "a block removed or altered before it is counted", 2, "one line; the next run computed it again")


def relabel(path: Path) -> None:
    relabelled(path, None)


def spoil_before_counting(block: Path, act: Callable[[Path], object]) -> None:
    from bench.engine import evaluated

    count = evaluated.tallies_of
    evaluated.tallies_of = lambda *words: act(block) or count(*words)


def test_an_altered_key_harms_nothing(small, tmp_path, tried):
    """It is for people; blocks are found by their folder."""
    shutil.copytree(small.folder / "fresh", tmp_path / "store")
    stored = blocks_in(tmp_path / "store")
    for key in (tmp_path / "store").glob("*/key.json"):
        key.write_text("{}")
    assert run(small.arguments(tmp_path / "out"))[0].code == 0
    assert found_by(tmp_path / "out") == small.found
    assert blocks_in(tmp_path / "store") == stored
    assert main([str(tmp_path / "out"), "--mistakes", "0", "--store", str(tmp_path / "store")]) == 0
    tried("disk", "key.json altered", 3, "right table; bench.inspect reads the blocks")
