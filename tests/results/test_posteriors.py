from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from protocols.protocol import parse
from results.errors import ResultError
from results.metrics import ranks, standings
from results.posteriors import Posteriors, average, fuse, join, resolved


def posteriors(seed, n=20, classes=7, first=0):
    probs = np.random.default_rng(seed).dirichlet(np.ones(classes), n).astype(np.float32)
    numbers = np.arange(first, first + n)
    return Posteriors(probs, numbers % classes, np.array([f"{number}.jpg" for number in numbers]))


def averaged(protocol, of_part):
    return average([of_part[part] for part in protocol.weights], protocol.weights.values()).probs


@pytest.mark.parametrize("copies", [1, 2, 3, 7])
def test_the_fusion_of_a_net_with_itself_is_that_net(copies):
    p = posteriors(0)
    fused = fuse([p] * copies)
    assert np.array_equal(fused.probs, p.probs)
    assert np.array_equal(fused.labels, p.labels)
    assert np.array_equal(fused.ids, p.ids)
    assert fused.probs.dtype == np.float32


def test_fusion_is_the_plain_mean_of_posteriors():
    members = [posteriors(seed) for seed in range(3)]
    mean = np.mean([member.probs for member in members], axis=0, dtype=np.float64)
    np.testing.assert_allclose(fuse(members).probs, mean, rtol=1e-6)


def test_the_order_of_fused_nets_does_not_matter():
    a, b, c = (posteriors(seed) for seed in range(3))
    assert np.array_equal(fuse([a, b]).probs, fuse([b, a]).probs)
    np.testing.assert_allclose(fuse([a, b, c]).probs, fuse([c, a, b]).probs, rtol=1e-6)


@pytest.mark.parametrize("text", ["dense+multicrop", "dense@384+multicrop@256/384/512", "tencrop+dense@256/288"])
def test_a_sum_of_methods_is_the_mean_of_their_means(text):
    protocol = parse(text)
    of_part = {part: posteriors(seed) for seed, part in enumerate(protocol.parts)}
    means = [np.mean([of_part[part].probs for part in parts], axis=0, dtype=np.float64) for parts in protocol.methods]
    np.testing.assert_allclose(averaged(protocol, of_part), np.mean(means, axis=0), rtol=1e-6)


def test_the_order_of_methods_does_not_matter():
    one, other = parse("dense+multicrop@256"), parse("multicrop@256+dense")
    of_part = {part: posteriors(seed) for seed, part in enumerate(one.parts)}
    assert np.array_equal(averaged(one, of_part), averaged(other, of_part))


def test_the_average_of_one_is_that_one_and_has_one_weight():
    p = posteriors(0)
    assert np.array_equal(average([p], [Fraction(1)]).probs, p.probs)
    with pytest.raises(ValueError, match=r"longer|shorter"):
        average([p, posteriors(1)], [Fraction(1)])


def test_rows_of_an_average_add_up_to_one():
    protocol = parse("dense+multicrop")
    average([posteriors(seed) for seed in range(6)], protocol.weights.values()).check()


@pytest.mark.parametrize(
    "other",
    [
        posteriors(1, first=1),
        posteriors(1, n=19),
        Posteriors(posteriors(1).probs, posteriors(1).labels[::-1], posteriors(1).ids),
        Posteriors(posteriors(1).probs, posteriors(1).labels, posteriors(1).ids[::-1]),
    ],
    ids=["other images", "fewer images", "other labels", "other order"],
)
def test_different_images_are_not_averaged(other):
    with pytest.raises(ValueError, match="different images"):
        fuse([posteriors(0), other])


def test_different_numbers_of_classes_are_not_averaged():
    a, b = posteriors(0, n=4, classes=7), posteriors(0, n=4, classes=8)
    with pytest.raises(ValueError, match="classes cannot be averaged"):
        fuse([a, b])


def test_each_member_needs_its_weight():
    with pytest.raises(ValueError, match="zip"):
        average([posteriors(0)] * 2, [Fraction(1)])


def test_joined_blocks_are_the_whole():
    whole = posteriors(0)
    blocks = [
        Posteriors(whole.probs[i : i + 6], whole.labels[i : i + 6], whole.ids[i : i + 6]) for i in range(0, 20, 6)
    ]
    joined = join(blocks)
    assert len(joined) == 20
    assert all(np.array_equal(getattr(joined, name), getattr(whole, name)) for name in ("probs", "labels", "ids"))


def test_an_image_in_two_blocks_is_refused():
    with pytest.raises(ValueError, match="stands in two blocks"):
        join([posteriors(0, n=5), posteriors(0, n=5, first=4)])


def test_good_posteriors_pass_the_check():
    posteriors(0).check()
    posteriors(0, n=0).check()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.9])
def test_a_row_that_does_not_add_up_fails_the_check(value):
    p = posteriors(0)
    p.probs[3, 2] = value
    with pytest.raises(ValueError, match="add up to 1"):
        p.check()


@pytest.mark.parametrize(
    ("probs", "labels", "ids"),
    [((4, 3), (4,), (5,)), ((4, 3), (3,), (4,)), ((3, 3), (4,), (4,)), ((12,), (4,), (4,)), ((4, 3), (4, 1), (4,))],
)
def test_shapes_that_do_not_fit_fail_the_check(probs, labels, ids):
    with pytest.raises(ValueError, match=r"ids, .* labels and posteriors of shape"):
        Posteriors(np.full(probs, 1 / 3), np.zeros(labels, int), np.array(["x"] * ids[0])).check()


@pytest.mark.parametrize(("name", "kind"), [("probs", complex), ("labels", float), ("labels", str), ("ids", bytes)])
def test_arrays_of_other_kinds_fail_the_check(name, kind):
    p = posteriors(0)
    with pytest.raises(ValueError, match="of other kinds"):
        replace(p, **{name: getattr(p, name).astype(kind)}).check()


def test_saved_posteriors_read_back_without_pickle(tmp_path):
    p = posteriors(0)
    p.save(tmp_path / "p.npz")
    with np.load(tmp_path / "p.npz", allow_pickle=False) as archive:
        assert np.array_equal(archive["posteriors"], p.probs)
        assert np.array_equal(archive["labels"], p.labels)
        assert np.array_equal(archive["ids"], p.ids)
    loaded = Posteriors.load(tmp_path / "p.npz")
    assert all(np.array_equal(getattr(loaded, name), getattr(p, name)) for name in ("probs", "labels", "ids"))


@pytest.mark.parametrize("damage", [lambda content: content[:200], lambda content: b"", lambda content: b"no archive"])
def test_damaged_posteriors_are_named(tmp_path, damage):
    path = tmp_path / "p.npz"
    posteriors(0).save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ResultError, match=r"p\.npz' are damaged"):
        Posteriors.load(path)


def test_an_image_is_among_the_best_k_if_any_of_its_right_classes_is():
    random = np.random.default_rng(0)
    probs = random.dirichlet(np.ones(9), 200).astype(np.float32)
    right = {str(n): random.choice(9, random.integers(0, 4), replace=False).tolist() for n in range(200)}
    found = resolved(Posteriors(probs, np.zeros(200, int), np.array(list(right))), right)
    assert found.ids.tolist() == [name for name, classes in right.items() if classes]
    best = {name: row.argsort()[::-1].tolist() for name, row in zip(right, probs, strict=True)}
    for k in range(1, 6):
        expected = [not set(best[name][:k]) & set(right[name]) for name in found.ids]
        assert (ranks(found) >= k).tolist() == expected


def test_right_classes_that_are_level_are_no_tie():
    probs = np.array([[0.4, 0.4, 0.2], [0.4, 0.2, 0.4]], np.float32)
    found = resolved(Posteriors(probs, np.zeros(2, int), np.array(["a", "b"])), {"a": [0, 1], "b": [0, 1]})
    counted = standings(found)
    assert (counted.wrong(1), counted.ties(1)) == (0, 1)  # b has a class above none, level with one that is not right
