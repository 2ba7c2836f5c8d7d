"""Parts of a page: what strangers wrote, where scripts and plots would read markup; axes; words for a difference."""

import json
from base64 import b64decode

import numpy as np
import pytest

from bench.report.figures import hover, label, log_axis
from bench.report.packing import packed
from bench.report.page import script_json
from bench.report.sections.cost import verdict
from results.paired import paired

HOSTILE = "</script><!--<script>&\u2028\u2029\ud800"


def test_json_in_a_script_ends_no_script_and_says_the_same():
    text = script_json({HOSTILE: [HOSTILE, 0.1]})
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert json.loads(text) == {HOSTILE: [HOSTILE, 0.1]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json(float("nan"))


def test_labels_hold_no_markup_of_plotly():
    assert label("<b>a&lt;b</b>") == "&lt;b&gt;a&amp;lt;b&lt;/b&gt;"
    assert label("a\u202eb\n") == "a\\u202eb\\n"
    assert len(label("x" * 300, 28)) <= 28
    assert hover(["<br>"])["hovertext"] == ["&lt;br&gt;"]


@pytest.mark.parametrize(("highest", "kind"), [(0, "u1"), (255, "u1"), (256, "u2"), (65536, "u4")])
def test_numbers_are_packed_in_the_narrowest_bytes(highest, kind):
    numbers = np.array([0, highest])
    found = packed(numbers)
    assert found["bytes"] == int(kind[-1])
    assert (np.frombuffer(b64decode(found["base64"]), f"<{kind}") == numbers).all()


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.15, 0.45], ["0.08", "0.09", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8"]),
        ([0.07, 25.0], ["0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20"]),
        ([0.02, 3000.0], ["0.1", "1", "10", "100", "1000"]),
        ([1, 1], ["0.6", "0.7", "0.8", "0.9", "1"]),
        ([2.1, 2.4], None),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_round_numbers_and_few(values, ticks):
    assert log_axis("cost", values).get("ticktext") == ticks


@pytest.mark.parametrize(
    ("only_crops", "only_dense", "said"),
    [
        (0, 9, "makes fewer errors"),
        (9, 0, "makes more errors"),
        (4, 9, "is not better by more than chance"),
        (0, 0, "is not better by more than chance"),
    ],
)
def test_what_costs_more_is_better_only_where_that_is_no_chance(only_crops, only_dense, said):
    crops, dense = np.repeat([[True, False], [False, True], [False, False]], [only_crops, only_dense, 20], axis=0).T
    assert verdict(paired(crops, dense)) == said
