from dataclasses import replace

import pytest

from results.metrics import wilson
from results.result import Result, signature, signature_id

RESULT = Result(
    model="vgg16",
    configuration="D",
    weights="local",
    S="[256;512]",
    Q="384",
    protocol="dense@384",
    data="imagenet/val",
    n=50_000,
    skipped=0,
    wrong1=12_800,
    wrong5=4_050,
    views=2,
    seconds=400.0,
    nets=("D/[256;512] dense@384",),
    signature="model=vgg16 protocol=dense@384",
    provenance={"commit": "abc"},
)


def test_rates_are_derived_from_counts():
    record = RESULT.record()
    assert record["top1"] == pytest.approx(100 * record["wrong1"] / record["n"])
    assert record["top5"] == pytest.approx(100 * record["wrong5"] / record["n"])
    assert (record["top1"], record["top5"]) == (25.6, 8.1)


@pytest.mark.parametrize(("wrong", "n"), [(0, 7), (1, 3), (2, 3), (7, 7), (12_345, 50_000)])
def test_rates_and_intervals_follow_any_count(wrong, n):
    record = replace(RESULT, n=n, wrong1=wrong, wrong5=wrong).record()
    for name in ("top1", "top5"):
        assert record[name] == pytest.approx(100 * wrong / n, abs=1e-4)
        assert [record[f"{name}_low"], record[f"{name}_high"]] == pytest.approx(
            [100 * end for end in wilson(wrong, n)], abs=1e-4
        )
    assert (record["wrong1"], record["wrong5"]) == (wrong, wrong)


def test_without_five_classes_top5_is_unknown():
    record = replace(RESULT, wrong5=None).record()
    assert [record[name] for name in ("wrong5", "top5", "top5_low", "top5_high")] == [None] * 4
    assert record["top1"] == 25.6


def test_speed_is_images_over_seconds():
    assert RESULT.images_per_second == 125
    assert RESULT.record()["images_per_second"] == 125
    assert replace(RESULT, seconds=0.0).record()["images_per_second"] is None


def test_the_paper_stands_beside_its_own_row():
    record = RESULT.record()
    assert (record["paper_top1"], record["paper_top5"]) == (25.6, 8.1)


@pytest.mark.parametrize(
    "other",
    [
        {"skipped": 1},
        {"n": 49_999},
        {"data": "imagenet/train"},
        {"nets": ("D/[256;512] centre@256",)},
        {"nets": ("D/256 dense@384",)},
        {"nets": RESULT.nets * 2},
    ],
)
def test_the_paper_stands_beside_no_other_row(other):
    record = replace(RESULT, **other).record()
    assert record["paper_top1"] is None
    assert record["paper_top5"] is None


def test_a_fusion_in_any_order_is_the_row_of_table_6():
    nets = ("E/[256;512] dense@256/384/512", "D/[256;512] dense@256/384/512")
    assert replace(RESULT, nets=nets).paper == replace(RESULT, nets=nets[::-1]).paper == (24.0, 7.1)


def test_provenance_is_recorded_and_no_part_of_the_signature():
    other = replace(RESULT, provenance={"commit": "def"}).record()
    assert (RESULT.record()["commit"], other["commit"]) == ("abc", "def")
    assert other["signature_id"] == RESULT.record()["signature_id"]


@pytest.mark.parametrize("value", ["a b", " a\tb ", "a\nb", "a\u00a0b", "a \r\n b"])
def test_values_of_a_signature_hold_no_blanks(value):
    line = signature({"model": value, "data": "c d"})
    assert line == "model=ab data=cd"
    assert len(line.split()) == 2


def test_a_signature_keeps_the_order_of_its_fields():
    assert signature({"b": "1", "a": "2"}) == "b=1 a=2"
    assert signature({}) == ""


def test_a_signature_id_is_eight_hexadecimal_digits_that_follow_the_text():
    texts = [signature({"model": model, "Q": Q}) for model in "ABCDE" for Q in ("256", "384")]
    assert len({signature_id(text) for text in texts}) == len(texts)
    assert all(len(signature_id(text)) == 8 and int(signature_id(text), 16) >= 0 for text in texts)
    assert signature_id("") == "e3b0c442"  # the SHA-256 of nothing begins so


def test_a_signature_id_stands_for_the_signature_of_its_row():
    record = RESULT.record()
    assert record["signature_id"] == signature_id(record["signature"])
