import numpy as np
import pytest

from results.metrics import standings, wilson
from results.posteriors import Posteriors
from results.top_k import top_k_errors


def test_the_counts_at_1_and_5_are_the_tables():
    rng = np.random.default_rng(1)
    probs = rng.dirichlet(np.ones(8), 300).astype(np.float32)
    found = standings(Posteriors(probs, rng.integers(0, 8, 300), np.arange(300).astype(str)))
    errors = top_k_errors(found.above, 8)
    assert errors["k"].tolist() == list(range(1, 9))
    assert errors["wrong"].tolist() == [found.wrong(k) for k in range(1, 9)]
    assert errors["wrong"].iloc[-1] == 0
    low, high = wilson(found.wrong(5), 300)
    assert errors.iloc[4].tolist() == [5, found.wrong(5), found.wrong(5) / 300, low, high]


def test_one_image_and_one_class():
    assert top_k_errors(np.array([0]), 1)[["k", "wrong", "error"]].values.tolist() == [[1, 0, 0]]
    assert top_k_errors(np.array([2]), 3)["error"].tolist() == pytest.approx([1, 1, 0])
