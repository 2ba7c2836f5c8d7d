"""How many cores this process may use."""

import os
from pathlib import Path

import pytest

from bench import cores as module
from bench.cores import cores, memory
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


@pytest.mark.parametrize(("quota", "gigabytes"), [(None, 16), ("max", 16), (str(4 << 30), 4), (str(64 << 30), 16)])
def test_memory_is_the_machines_or_what_a_container_may_use(monkeypatch, tmp_path: Path, quota, gigabytes):
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 4 << 20, "SC_PAGE_SIZE": 4096}.__getitem__, raising=False)
    monkeypatch.setattr(module, "MOST_MEMORY", tmp_path / "memory.max")
    if quota:
        (tmp_path / "memory.max").write_text(quota + "\n")
    assert memory() == gigabytes << 30
