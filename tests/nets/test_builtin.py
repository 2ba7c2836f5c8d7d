"""The built-in net on the built-in data: what a first run without arguments stands on."""

import json

import pytest

from bench.cache import cache_folder
from bench.images.sets.shapes import SPLITS
from bench.images.sources import DataSpec, open_data
from bench.options import SUBSET
from bench.run.__main__ import main, parser


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> dict[str, dict]:
    """Sixty validation images, under the older protocol and the paper's."""
    out = tmp_path_factory.mktemp("builtin")
    words = f"--limit 60 --protocol centre,dense --out {out} --store {out}/store"
    assert main(words.split()) == 0
    return {row["protocol"]: row for row in json.loads((out / "results.json").read_text())}


def test_defaults_are_the_builtin_net_on_the_builtin_data(rows):
    row = rows["dense@256/384/512"]
    assert (row["model"], row["data"], row["S"], row["n"]) == ("vgg16", "shapes/val", "[256;512]", 60)
    assert row["weights"].startswith("builtin:")


def test_the_net_has_learnt_and_left_room_for_protocols_to_differ(rows):
    assert 10 <= rows["dense@256/384/512"]["top1"] <= 40
    assert rows["dense@256/384/512"]["top5"] < rows["dense@256/384/512"]["top1"]


def test_dense_looks_at_more_than_the_centre(rows):
    assert rows["dense@256/384/512"]["wrong1"] < rows["centre@256"]["wrong1"]


def test_the_validation_split_is_read_from_the_cache():
    images = open_data(DataSpec("shapes", limit=16))
    assert (len(images), images.total) == (16, SPLITS["val"])
    assert all(cache_folder() in path.parents for path in images.sources)
    assert images.total > SUBSET
    assert parser().parse_args([]).limit is None
