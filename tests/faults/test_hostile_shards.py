"""Shards from strangers: cut, altered, or with labels that are none: one line, or images that are named."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_hostile_tars import BLOCK, END, block, outcome, refused

from bench.images.sets.webdataset import MOST_LABEL

OFTEN = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ENDINGS = ("cls", "cls.txt", "json")
LABELS = {"cls": b"1", "cls.txt": b"1\n", "json": b'{"label": 1}'}


def shard(ending: str, label: bytes) -> bytes:
    """Two images without bytes beside their labels, the second of which is given."""
    said = {"0.jpg": b"", f"0.{ending}": LABELS[ending], "1.jpg": b"", f"1.{ending}": label}
    return b"".join(block(name, content=content) for name, content in said.items()) + END


def one_line_or_named(file: Path) -> bool:
    return outcome(file).endswith(("refused", "undecodable"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_cut_shard_is_refused_wherever_it_was_cut(tmp_path, ending, tried):
    whole, file = shard(ending, LABELS[ending]), tmp_path / "s.tar"
    file.write_bytes(whole)
    assert outcome(file) == "2 images, 2 undecodable"
    lengths = range(0, len(whole.rstrip(b"\0")) // BLOCK * BLOCK + BLOCK, BLOCK // 4)
    for length in lengths:
        file.write_bytes(whole[:length])
        assert outcome(file) == "refused", length
    tried("shards", "cut anywhere", len(lengths), "one line")


@pytest.mark.parametrize("ending", ENDINGS)
def test_altered_bytes_are_refused_or_named(tmp_path, ending, every, tried):
    rng, count = random.Random(0), 1000 if every else 50
    whole, file = shard(ending, LABELS[ending]), tmp_path / "s.tar"
    for _ in range(count):
        altered = bytearray(whole)
        for _ in range(rng.choice((1, 2, 8))):
            altered[rng.randrange(len(whole) - len(END))] = rng.randrange(256)
        file.write_bytes(altered)
        assert one_line_or_named(file)
    tried("shards", "bytes altered anywhere", count, "one line, or named images")


@OFTEN
@given(ending=st.sampled_from(ENDINGS), label=st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
def test_no_label_is_a_traceback(tmp_path, tried, ending, label):
    (tmp_path / "s.tar").write_bytes(shard(ending, label))
    assert one_line_or_named(tmp_path / "s.tar")
    tried("shards", "labels of any bytes", 1, "read, or refused in one line")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_label_larger_than_any_is_refused(tmp_path, ending, tried):
    """Also one of blanks, which a label may have around it."""
    label = LABELS[ending] + b" " * (MOST_LABEL - len(LABELS[ending]))
    (tmp_path / "s.tar").write_bytes(shard(ending, label))
    assert outcome(tmp_path / "s.tar") == "2 images, 2 undecodable"
    assert "is no file of at most 1,048,576 bytes" in refused(tmp_path / "s.tar", shard(ending, label + b" "))
    tried("shards", "labels of megabytes", 1, "one line")


def test_a_key_that_stands_twice_is_refused(tmp_path, tried):
    assert "has two members .jpg" in refused(tmp_path / "s.tar", block("1.jpg") + shard("cls", b"1"))
    tried("shards", "a member twice", 1, "one line")
