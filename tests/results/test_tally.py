from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from results.errors import ResultError
from results.posteriors import Posteriors
from results.store import Block, Expected, Store, StoreError
from results.tally import Tally, row_blocks, stored_standings
from results.tally import tally as tallies

HALF = Fraction(1, 2)


def tally(nets, blocks: list[Expected], scored=None) -> Tally:
    """Of one row."""
    (found,) = tallies([nets], blocks, scored)
    return found


def expected(start: int, count: int, *broken: str) -> Expected:
    """Images of class k % 6, and then those that cannot be decoded."""
    numbers = np.arange(start, start + count)
    return Expected((*map(str, numbers), *broken), np.append(numbers % 6, np.zeros(len(broken), int)))


BOTH = [expected(0, 32), expected(32, 4, "broken.jpg")]  # the blocks of the stores below


def posteriors(start: int, count: int, winner: int, confidence: float) -> Posteriors:
    """Images of class k % 6, all of them given to one class with this confidence."""
    probs = np.full((count, 6), (1 - confidence) / 5, np.float32)
    probs[:, winner] = confidence
    numbers = np.arange(start, start + count)
    return Posteriors(probs, numbers % 6, numbers.astype(str))


@pytest.fixture
def stores(tmp_path) -> list[Store]:
    """Two parts of two blocks, 32 and 4 images; the second is surer of its class 1 than the first of its class 0."""
    stores = [Store(tmp_path, {"part": name}) for name in "ab"]
    for winner, (store, confidence) in enumerate(zip(stores, (0.5, 0.9), strict=True)):
        for number, (start, count) in enumerate([(0, 32), (32, 4)]):
            block = posteriors(start, count, winner, confidence)
            store.write(number, Block(block, 1.5, "a device", ("broken.jpg",) if number else ()))
    return stores


def test_one_part_is_counted_over_all_blocks(stores):
    found = tally([[(stores[0], Fraction(1))]], BOTH)
    assert len(found.ranks) == 36
    assert found.standings.wrong(1) == 30  # six of 36 images have class 0
    assert found.standings.wrong(5) == 0  # the other five classes tie, and a tie beats nobody
    assert (found.standings.ties(1), found.standings.ties(5)) == (0, 30)
    assert (found.seconds, found.devices, found.corrupt) == (3.0, ("a device",), ("broken.jpg",))


def test_parts_are_averaged_as_posteriors(stores):
    members = [[(store, HALF) for store in stores]]
    found = tally(members, BOTH)
    right = found.ranks[np.arange(36) % 6 == 1]
    assert (right == 0).all()  # the surer part wins
    assert found.standings.wrong(1) == 30
    assert found.seconds == 6
    first = next(row_blocks(members, BOTH))
    assert first.probs[0].tolist() == pytest.approx([0.26, 0.5, 0.06, 0.06, 0.06, 0.06])


def test_rows_are_counted_together_as_one_by_one_and_every_block_is_read_once(stores, monkeypatch):
    rows = [[[(stores[0], Fraction(1))]], [[(store, HALF) for store in stores]], [[(stores[1], Fraction(1))]]]
    alone = [tally(row, BOTH) for row in rows]
    reads: list = []
    read = Store.read
    monkeypatch.setattr(Store, "read", lambda self, number: reads.append(self.path(number)) or read(self, number))
    for one, other in zip(tallies(rows, BOTH), alone, strict=True):
        assert one.ranks.tolist() == other.ranks.tolist()
        assert (one.seconds, one.corrupt) == (other.seconds, other.corrupt)
    assert sorted(reads) == sorted(store.path(number) for store in stores for number in (0, 1))


def test_restricted_classes_compete_alone(stores, tmp_path):
    """Without class 0, which the net prefers, the other five tie and nobody is beaten."""
    with_tie = Store(tmp_path, {"part": "tie"})
    with_tie.write(0, Block(posteriors(1, 5, 0, 0.5), 1, "x"))
    assert tally([[(with_tie, Fraction(1))]], [expected(1, 5)]).standings.wrong(1) == 5
    assert tally([[(with_tie, Fraction(1))]], [expected(1, 5)], scored=np.arange(1, 6)).standings.wrong(1) == 0
    with pytest.raises(ValueError, match="not one of the scored classes"):
        tally([[(stores[0], Fraction(1))]], BOTH, scored=np.array([0, 1]))


def test_nets_are_fused_each_after_its_own_parts(stores):
    """One net judged by both parts, the other by the first alone: the second part counts a quarter."""
    nets = [[(store, HALF) for store in stores], [(stores[0], Fraction(1))]]
    first = next(row_blocks(nets, BOTH))
    assert first.probs[0, :3].tolist() == pytest.approx([0.75 * 0.5 + 0.25 * 0.02, 0.75 * 0.1 + 0.25 * 0.9, 0.08])


def test_parts_that_lack_different_images_are_not_averaged(stores):
    stores[1].write(1, Block(posteriors(33, 3, 1, 0.9), 1, "x", ("32", "broken.jpg")))
    with pytest.raises(StoreError, match="lack different images"):
        tally([[(store, HALF) for store in stores]], BOTH)


@pytest.mark.parametrize("classes", [1, 3, 5, 6])
def test_five_classes_or_fewer_have_no_top_5(tmp_path, classes):
    store = Store(tmp_path, {"part": "c"})
    probs = np.full((1, classes), 1 / classes, np.float32)
    store.write(0, Block(Posteriors(probs, np.array([0]), np.array(["0"])), 1, "x"))
    assert tally([[(store, Fraction(1))]], [expected(0, 1)]).top5 == (classes > 5)


def test_a_block_that_went_missing_is_an_error_and_never_a_smaller_count(stores):
    stores[0].path(1).unlink()
    with pytest.raises(StoreError, match="run again"):
        tally([[(stores[0], Fraction(1))]], BOTH)


def relabelled(block: Posteriors) -> Posteriors:
    return replace(block, labels=block.labels[::-1])


@pytest.mark.parametrize(
    "wrong",
    [
        Block(posteriors(33, 4, 1, 0.9), 1, "x", ("broken.jpg",)),  # the images of another block
        Block(posteriors(0, 32, 1, 0.9), 1, "x"),  # images that were counted already
        Block(posteriors(32, 3, 1, 0.9), 1, "x", ("broken.jpg",)),  # one is missing
        Block(posteriors(32, 4, 1, 0.9), 1, "x", ("broken.jpg", "more.jpg")),  # one is lacking that was not asked for
        Block(relabelled(posteriors(32, 4, 1, 0.9)), 1, "x", ("broken.jpg",)),
    ],
)
def test_a_block_of_other_images_or_labels_is_not_counted(stores, wrong):
    stores[1].write(1, wrong)
    for nets in ([[(stores[1], Fraction(1))]], [[(store, HALF) for store in stores]]):
        with pytest.raises(StoreError, match="does not hold the images of the data set"):
            tally(nets, BOTH)


def test_parts_of_different_images_are_not_averaged_where_the_images_are_not_known(stores):
    stores[1].write(1, Block(posteriors(33, 4, 1, 0.9), 1, "x", ("broken.jpg",)))
    with pytest.raises(ValueError, match="different images"):
        list(row_blocks([[(store, HALF) for store in stores]], [None, None]))


def test_standings_need_no_data_set_and_read_every_block_once(stores, monkeypatch):
    rows = [[[(stores[0], Fraction(1))]], [[(store, HALF) for store in stores]]]
    counted = tallies(rows, BOTH)
    reads: list = []
    read = Store.read
    monkeypatch.setattr(Store, "read", lambda self, number: reads.append(self.path(number)) or read(self, number))
    ids, found = zip(*stored_standings(rows, 2), strict=True)
    assert np.concatenate(ids).tolist() == [str(number) for number in range(36)]
    for row, expected in enumerate(counted):
        assert np.concatenate([block[row].above for block in found]).tolist() == expected.ranks.tolist()
        assert sum(block[row].ties(1) for block in found) == expected.standings.ties(1)
    assert sorted(reads) == sorted(store.path(number) for store in stores for number in (0, 1))


def test_rows_of_different_images_are_not_counted_together(stores):
    stores[1].write(0, Block(posteriors(1, 32, 1, 0.9), 1, "x"))
    with pytest.raises(ResultError, match=r"block 0: .* different images\); run bench.run again"):
        list(stored_standings([[[(store, Fraction(1))]] for store in stores], 2))


def test_a_negative_share_takes_a_part_out_of_a_mean(stores, tmp_path):
    """2 x the mean of two parts - the one is the other."""
    mean = Store(tmp_path, {"part": "mean"})
    for number in (0, 1):
        one, other = (store.read(number) for store in stores)
        both = replace(one.rows, probs=(one.rows.probs + other.rows.probs) / 2)
        mean.write(number, replace(one, rows=both))
    rest = [[(mean, Fraction(2)), (stores[0], Fraction(-1))]]
    for _, (found, expected) in stored_standings([rest, [[(stores[1], Fraction(1))]]], 2):
        assert found.wrong(1) == expected.wrong(1)


def test_nothing_left_to_count_is_an_error(tmp_path):
    store = Store(tmp_path, {"part": "d"})
    store.write(0, Block(posteriors(0, 0, 0, 0.5), 1, "x", ("a.jpg", "b.jpg")))
    with pytest.raises(ResultError, match="no image is left"):
        tally([[(store, Fraction(1))]], [expected(0, 0, "a.jpg", "b.jpg")])


def test_a_row_lists_everything_that_computed_its_blocks(tmp_path):
    """Two versions, a block of before blocks said so, and no other row's."""
    stores = [Store(tmp_path, {"part": part}) for part in "ef"]
    for store, made in zip(stores, ({"torch": "2.14.1"}, {"torch": "2.6.0", "machine": "a"}), strict=True):
        store.write(0, Block(posteriors(0, 32, 0, 0.5), 1, "x", made=made))
        store.write(1, Block(posteriors(32, 4, 0, 0.5), 1, "x", ("broken.jpg",), made))
    both, one = tallies([[[(store, HALF) for store in stores]], [[(stores[0], Fraction(1))]]], BOTH)
    assert (both.makers("torch"), both.makers("machine")) == ("2.6.0; 2.14.1", "a; unknown")
    assert (one.makers("torch"), one.makers("machine")) == ("2.14.1", "unknown")
