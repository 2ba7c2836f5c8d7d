"""Rows of parquet and arrow files through the commands: trained on, shared by workers, shown on contact sheets."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import training_words
from layouts import opened
from parquet_sets import IMAGE, features, write
from PIL import Image
from safetensors.torch import load_file
from victims import found_by, run

from bench.inspect.__main__ import main as inspect
from bench.train.__main__ import main as train

pytest_plugins = ("victims",)


def as_rows(root: Path, source: str, part: str, name: str) -> Path:
    """The part of a folder as a hub's shard, in its order."""
    images = opened(source, part)
    rows = [{"bytes": file.read_bytes(), "path": name} for file, name in zip(images.sources, images.ids, strict=True)]
    table = pa.table({"image": pa.array(rows, IMAGE), "label": images.labels})
    return write(root, name, table.replace_schema_metadata(features(images.classes)), group=5)


def test_a_net_trained_on_rows_is_the_net_trained_on_the_files(folder, tmp_path):
    for part in ("train", "val"):
        as_rows(tmp_path / "set", folder, part, f"data/{part}-00000-of-00001.parquet")
    for source, out in ((folder, "files"), (f"parquet:{tmp_path / 'set'}", "rows")):
        assert train(training_words(source, tmp_path / out)) == 0
    files, rows = (load_file(tmp_path / out / "weights.safetensors") for out in ("files", "rows"))
    assert files.keys() == rows.keys()
    assert all(np.array_equal(files[name], rows[name]) for name in files)


@pytest.fixture
def digits(small, tmp_path) -> list[str]:
    """The small run's words with its 100 images as rows in groups of 7, named and labelled as in its list."""
    files = sorted(small.folder.glob("*.png"))
    rows = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
    table = pa.table({"image": pa.array(rows, IMAGE), "label": [int(file.stem) % 10 for file in files]})
    write(tmp_path / "set", "test-00000-of-00001.parquet", table, group=7)
    words = small.arguments(tmp_path / "out")
    words[words.index("--data") + 1] = f"parquet:{tmp_path / 'set'}"
    return words


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_find_what_one_finds_in_files(small, digits, tmp_path, workers):
    ended = run(digits, workers)
    assert [each.code for each in ended] == [0] * workers, ended
    found, expected = found_by(tmp_path / "out"), small.found
    for protocol in expected:
        assert {**found[protocol], "signature": ""} == {**expected[protocol], "signature": ""}
    assert any("test is evaluated, for want of validation files" in each.said for each in ended)
    if workers == 1:
        assert inspect([str(tmp_path / "out"), "--row", "1", "--mistakes", "6"]) == 0
        (sheet,) = (tmp_path / "out").rglob("mistakes.png")
        assert np.asarray(Image.open(sheet)).std() > 20
