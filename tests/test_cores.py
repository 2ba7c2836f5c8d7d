"""How many cores this process may use."""

import os
from pathlib import Path

import pytest

from bench import cores as module
from bench.cores import cores
from bench.engine.request import MOST_LOADING, Computation


@pytest.mark.parametrize(
    ("quota", "count"),
    [(None, 6), ("max 100000", 6), ("400000 100000", 4), ("250000 100000", 2), ("50000 100000", 1)],
)
def test_cores_are_the_schedulers_or_what_a_containers_quota_leaves(monkeypatch, tmp_path: Path, quota, count):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    monkeypatch.setattr(module, "QUOTA", tmp_path / "cpu.max")
    if quota:
        (tmp_path / "cpu.max").write_text(quota + "\n")
    assert cores() == count


def test_images_are_prepared_by_as_many_threads_as_there_are_cores_unless_someone_says(monkeypatch):
    monkeypatch.setattr("bench.engine.request.cores", lambda: 16)
    assert (Computation().loading, Computation(threads=3).loading) == (16, 3)
    monkeypatch.setattr("bench.engine.request.cores", lambda: 256)
    assert Computation().loading == MOST_LOADING
