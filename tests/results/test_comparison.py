"""Two rows on the same images: what comes out agrees with counting by hand, and other images are refused."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from compared import CLASSES, row
from statsmodels.stats.contingency_tables import mcnemar

from results.comparison import Comparison, compare_rows
from results.errors import ResultError
from results.multiple_tests import holm
from results.paired import PairedErrors, paired
from results.result import error_rate


def drawn(seed: int = 0, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    return draw.integers(1, 9, n), np.where(draw.random(n) < 0.6, 1, draw.integers(1, 9, n))


@pytest.fixture
def found() -> Comparison:
    one, other = drawn()
    return compare_rows(row(one, "a:1"), row(other, "b:2"))


def test_both_errors_are_those_of_paired_counts(found):
    one, other = drawn()
    assert vars(paired(one > 1, other > 1)).items() <= vars(found).items()
    assert found.top5 == paired(one > 5, other > 5)
    assert str(found) == str(paired(one > 1, other > 1))
    assert len(repr(found)) < 300


def test_classes_are_counted_as_by_hand_and_tested_as_by_statsmodels(found):
    one, other = drawn()
    labels = np.arange(200) % 8
    table = found.classes.set_index("class")
    for index, name in enumerate(CLASSES):
        a, b = one[labels == index] > 1, other[labels == index] > 1
        line = table.loc[name]
        assert (line["images"], line["wrong_first"], line["wrong_second"]) == (len(a), a.sum(), b.sum())
        assert line["difference"] == a.sum() - b.sum()
        expected = mcnemar([[(~a & ~b).sum(), (a & ~b).sum()], [(b & ~a).sum(), (a & b).sum()]], exact=True)
        assert line["mcnemar_p"] == pytest.approx(expected.pvalue)
    assert table["holm_p"].tolist() == holm(table["mcnemar_p"].tolist())
    assert table["difference"].abs().is_monotonic_decreasing
    assert table["difference"].sum() == found.wrong_first - found.wrong_second
    assert table["only_first_wrong"].sum() == found.only_first


def test_images_are_those_that_only_one_has_wrong(found):
    one, other = drawn()
    assert found.only_first_wrong["id"].tolist() == [f"{k}.jpg" for k in np.flatnonzero((one > 1) & (other == 1))]
    assert found.only_second_wrong["id"].tolist() == [f"{k}.jpg" for k in np.flatnonzero((other > 1) & (one == 1))]


def test_turned_round_everything_changes_its_sign(found):
    back = compare_rows(found.second, found.first)
    assert back.difference == pytest.approx([-found.difference[k] for k in (0, 2, 1)])
    assert (back.p, back.images_needed) == (found.p, found.images_needed)
    signs = found.classes.set_index("class")["difference"] + back.classes.set_index("class")["difference"]
    assert (signs == 0).all()
    assert back.only_first_wrong["id"].tolist() == found.only_second_wrong["id"].tolist()


def test_the_order_of_images_and_the_numbers_of_classes_do_not_matter(found):
    """What the digests are over then is not the same, and that is said."""
    one, other = drawn()
    turned = row(other[::-1], "b:2", ids=[f"{k}.jpg" for k in range(200)][::-1], truth=np.arange(200)[::-1] % 8)
    again = compare_rows(row(one, "a:1"), turned)
    assert again == found
    assert again.classes.equals(found.classes)
    renumbered = row(other, "b:2", truth=(np.arange(200) + 3) % 8, classes=[*CLASSES[5:], *CLASSES[:5]], data="other")
    again = compare_rows(row(one, "a:1"), renumbered)
    assert again.classes.equals(found.classes)
    assert "number their classes differently" in again.notes[0]


def test_markdown_and_record_say_the_same_numbers(found):
    record = json.loads(json.dumps(found.record()))
    text = found.markdown(classes=None)
    for name, which in (("first", "wrong_first"), ("second", "wrong_second")):
        assert record[name]["wrong1"] == getattr(found, which)
        assert record[name].items() >= error_rate("top1", getattr(found, which), 0, 200).items()
        assert f"| {record[name]['top1']:.2f} [{record[name]['top1_low']:.2f}, " in re.sub(" +", " ", text)
    for k, errors in ((1, found), (5, found.top5)):
        said = record[f"top{k}"]
        assert [said["difference"], said["difference_low"], said["difference_high"]] == pytest.approx(
            [100 * each for each in errors.difference], abs=5e-5
        )
        assert (said["mcnemar_p"], said["images_needed"]) == (errors.p, errors.images_needed)
        words = " ".join(text.split())
        assert f"| top-{k} | {said['difference']:+.2f} [{said['difference_low']:+.2f}, " in words
        only = f"{errors.only_first} / {errors.only_second}"
        assert f"] | {only} | {said['mcnemar_p']:.2g} | {said['images_needed']:,} |" in words
    for line in record["classes"]:
        assert f"| {line['class']} | {line['images']} | {line['wrong_first']} |" in re.sub(" +", " ", text)
    assert record["only_first_wrong"] == found.only_first_wrong["id"].tolist()


def test_the_classes_that_changed_most_come_first_whichever_row_is_better():
    truth = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    found = compare_rows(
        row([1, 1, 2, 1, 1, 1, 2, 2, 2], "a", truth=truth), row([1, 1, 1, 2, 2, 1, 1, 1, 1], "b", truth=truth)
    )
    assert found.classes[["class", "difference"]].to_numpy().tolist() == [
        ["class 2", 3],
        ["class 1", -2],
        ["class 0", 1],
    ]


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ([2] * 8 + [1] * 8, [1] * 16, "B makes fewer errors"),
        ([1] * 16, [2] * 8 + [1] * 8, "A makes fewer errors"),
        ([2] * 3 + [1] * 13, [1] * 16, "B makes fewer errors, which may be chance"),
        ([1] * 16, [2] * 3 + [1] * 13, "A makes fewer errors, which may be chance"),
        ([2, 1] + [1] * 14, [1, 2] + [1] * 14, "A and B make equally many errors"),
    ],
)
def test_the_verdict_is_mcnemars_at_5_percent(one, other, verdict):
    found = compare_rows(row(one), row(other))
    assert found.verdict == verdict
    assert (found.p < 0.05) == verdict.endswith("fewer errors")
    assert found.markdown().splitlines()[0] == f"16 images of photographs: {verdict}"


def test_rows_that_differ_nowhere_need_no_images_and_change_no_class():
    found = compare_rows(row([1, 2, 1], "a"), row([1, 3, 1], "b"))
    assert (found.difference[0], found.p, found.images_needed) == (0, 1, None)
    assert "| 0 / 0 | 1 | – |" in " ".join(found.markdown().split())
    assert "No class changed." in found.markdown()
    assert found.notes == ()


def test_top5_is_there_where_both_have_it():
    few = row([1, 2, 3], classes=CLASSES[:3])
    assert compare_rows(few, few).top5 is None
    assert compare_rows(row([1, 6, 1]), row([1, 1, 1], ties=(0, 3))).top5 is None
    found = compare_rows(row([1, 6, 1]), row([1, 1, 1]))
    assert found.top5 == PairedErrors(n=3, wrong_first=1, wrong_second=0, only_first=1, only_second=0)


def test_names_of_strangers_are_no_markup():
    evil = "<script>|`x`*"
    names = [evil, *CLASSES[1:]]
    found = compare_rows(
        row([2, 1, 1], classes=names, ids=[evil, "1", "2"], name=evil),
        row([1, 1, 1], classes=names, ids=[evil, "1", "2"]),
    )
    text = found.markdown()
    assert re.search(r"(?<!\\)<script|(?<!\\)\|`", text) is None
    assert text.count("\\<script") == 3  # the row, the image, the class


def test_long_names_of_classes_leave_room_and_stay_different():
    names = [f"{'very ' * 40}long {k}" for k in range(8)]
    table = [
        line
        for line in compare_rows(row([2, 2, 1], classes=names), row([1, 1, 1], classes=names)).markdown().splitlines()
        if line.startswith("| very")
    ]
    assert len({line.split("|")[1].strip() for line in table}) == 2
    assert max(map(len, table)) < 180


def test_long_names_of_images_take_no_line_each():
    ids = [f"{'folder/' * 40}{k}.jpg" for k in range(3)]
    text = compare_rows(row([2, 2, 1], ids=ids), row([1, 1, 1], ids=ids)).markdown()
    said = text[text.index("- Only A is wrong") :].split("\n- ")[0]
    assert "0.jpg," in said
    assert "1.jpg" in said
    assert max(map(len, said.splitlines())) <= 100


def test_names_that_are_no_unicode_are_told():
    ids = ["a\udcff.jpg", "b.jpg", "c.jpg"]
    found = compare_rows(row([2, 1, 1], "a", ids=ids), row([1, 1, 2], "b", ids=ids[::-1], truth=[2, 1, 0]))
    assert found.record()["only_first_wrong"] == []
    found = compare_rows(row([2, 1, 1], "a", ids=ids), row([1, 1, 1], "b", ids=ids))
    assert json.loads(json.dumps(found.record()))["only_first_wrong"] == ids[:1]
    assert "Only A is wrong: a" in found.markdown()
    with pytest.raises(ResultError, match="1 only in a"):
        compare_rows(found.first, row([1, 1], "b", ids=ids[1:], truth=[1, 2]))


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (row([1, 1], "b"), r"a \(3 images\) and b \(2\) are not of the same images: 1 only in a \(2.jpg\); evaluate"),
        (
            row([1] * 8, "b", ids=["0.jpg", "1.jpg", "2.jpg", *"vwxyz"]),
            r"5 only in b \(v, w, x, \.\.\.\); evaluate both on one set",
        ),
        (row([1, 1, 1], "b", ids=["x.jpg", "1.jpg", "2.jpg"]), r"1 only in a \(0.jpg\); 1 only in b \(x.jpg\)"),
        (row([1, 1], "b", skipped="1"), r"1 only in a \(2.jpg\); b left out 1 as corrupt"),
        (row([1, 1, 1], "b", truth=[0, 2, 1]), "labels of 2 images differ, first of 1.jpg: class 1 and class 2"),
        (row([1, 1, 1], "b", data="ba98"), "ids and labels agree, but other contents: data=0123456789ab and data=ba98"),
    ],
)
def test_other_images_are_refused_with_what_differs(second, message):
    first = row([1, 2, 1], "a")
    with pytest.raises(ResultError, match=message):
        compare_rows(first, second)
    with pytest.raises(ResultError, match="not of the same images"):
        compare_rows(second, first)


def test_other_labels_are_refused_before_the_images_that_they_leave_out():
    real = row([1, 1], "b", labels="real:12ab")
    with pytest.raises(
        ResultError, match="a and b are not counted by the same labels: own labels and labels=real:12ab"
    ):
        compare_rows(row([1, 2, 1], "a"), real)
    other = row([2, 1], "c", labels="real:12ab")
    assert "Several classes are right" in compare_rows(real, other).notes[0]


def test_rows_that_ties_decide_are_refused():
    with pytest.raises(ResultError, match="a: ties decide it"):
        row([1, 1, 1], "a", ties=(1, 0))


def test_other_competing_classes_are_said():
    found = compare_rows(row([1, 2, 1], "a"), row([1, 1, 1], "b", compete="present"))
    assert found.notes == ("Other classes compete: all of 8 in a, present of 8 in b",)
    found = compare_rows(row([1, 2, 1], "a"), row([1, 1, 1], "b", classes=[*CLASSES, "background"]))
    assert "Other classes compete: all of 8 in a, all of 9 in b" in found.notes


def test_classes_that_only_one_row_names_are_those_of_the_same_numbers():
    numbers = [str(index) for index in range(8)]
    found = compare_rows(row([1, 2, 1], "a"), row([1, 1, 1], "b", classes=numbers))
    assert found.classes["class"][0] == "class 1"
    assert found.notes == ()
    with pytest.raises(ResultError, match="other contents"):
        compare_rows(row([1, 2, 1], "a"), row([1, 1, 1], "b", classes=numbers, data="other"))


def test_one_row_twice_is_no_difference_and_said():
    one = row(drawn()[0], "a")
    found = compare_rows(one, one)
    assert (found.verdict, found.p) == ("A and B make equally many errors", 1)
    assert found.notes == ("Both rows have one signature: they measured the same thing",)


def test_one_signature_with_other_counts_is_said():
    one, two = row([1, 2, 1], "a"), row([1, 1, 1], "b")
    alike = replace(two, row=replace(two.row, signature=one.row.signature))
    (note,) = compare_rows(one, alike).notes
    assert "and came to other counts" in note
