"""Blocks are written beside the work, and what cannot be written ends it."""

import threading

import numpy as np
import pytest

from bench.engine.writer import WAITING, writing
from results.posteriors import Posteriors
from results.store import Block, Store, StoreError


def block(number: int) -> Block:
    probs = np.full((2, 4), 0.25, np.float32)
    return Block(Posteriors(probs, np.zeros(2, np.int64), np.array([f"{number}a", f"{number}b"])), 1.0, "a device")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path, {"a": "b"})


def test_all_blocks_are_there_at_the_end(store):
    with writing() as writer:
        for number in range(9):
            writer.write(store, number, block(number))
    for number in range(9):
        assert store.read(number).rows.ids.tolist() == [f"{number}a", f"{number}b"]


def test_the_work_goes_on_while_a_few_blocks_are_written_and_then_waits(store, monkeypatch):
    slow, write = threading.Event(), Store.write
    monkeypatch.setattr(Store, "write", lambda *what: (slow.wait(60), write(*what)))
    with writing() as writer:
        for number in range(WAITING):
            writer.write(store, number, block(number))
        assert not store.has(0)
        handed = threading.Thread(target=writer.write, args=(store, WAITING, block(WAITING)))
        handed.start()
        handed.join(0.1)
        assert handed.is_alive()
        slow.set()
        handed.join(60)
    assert all(store.has(number) for number in range(WAITING + 1))


def test_a_block_that_cannot_be_written_ends_the_work_and_the_others_are_kept(store, monkeypatch):
    write = Store.write

    def fails(store, number, block):
        if number == 3:
            raise StoreError("the disk is full")
        write(store, number, block)

    monkeypatch.setattr(Store, "write", fails)
    handed = []

    def work() -> None:
        with writing() as writer:
            for number in range(100):
                handed.append(number)
                writer.write(store, number, block(number))

    with pytest.raises(StoreError, match="the disk is full"):
        work()
    assert len(handed) <= 3 + WAITING + 2
    assert all(store.has(number) for number in handed[:-1] if number != 3)


def test_the_last_blocks_lack_of_room_is_an_error_too(store, monkeypatch):
    def fails(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Store, "write", fails)
    with pytest.raises(StoreError, match="the disk is full"), writing() as writer:
        writer.write(store, 0, block(0))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_was_handed_over_is_written_when_the_work_fails(store, error):
    def work() -> None:
        with writing() as writer:
            for number in range(3):
                writer.write(store, number, block(number))
            raise error

    with pytest.raises(error):
        work()
    assert all(store.has(number) for number in range(3))
