import pytest

from protocols.scales import JITTERED, TrainingScale, assumed_S, in_proportion, multi_scale, parse_S, single_scale

PAPER = [  # S, Q of Table 3, Q of Table 4
    ("256", 256, (224, 256, 288)),
    ("384", 384, (352, 384, 416)),
    ("[256;512]", 384, (256, 384, 512)),
]


@pytest.mark.parametrize(("S", "single", "multi"), PAPER)
def test_Q_follows_from_S_as_in_tables_3_and_4(S, single, multi):
    assert single_scale(parse_S(S)) == (single,)
    assert multi_scale(parse_S(S)) == multi


@pytest.mark.parametrize(("S", "single", "multi"), PAPER)
def test_S_prints_as_in_the_paper_and_reads_back(S, single, multi):
    assert str(parse_S(S)) == S
    assert parse_S(str(parse_S(S))) == parse_S(S)


@pytest.mark.parametrize("text", ["[256;512]", "256-512", "256;512", " 256-512 "])
def test_a_range_may_be_written_in_several_ways(text):
    assert parse_S(text) == JITTERED == TrainingScale(256, 512)


def test_a_range_of_one_is_fixed():
    assert parse_S("256-256") == parse_S("256")
    assert str(parse_S("[256;256]")) == "256"


def test_the_papers_scales_belong_to_crops_of_224_and_go_with_their_side():
    assert assumed_S() == assumed_S(224) == JITTERED
    assert assumed_S(28) == TrainingScale(32, 64)
    assert multi_scale(parse_S("32"), side=28) == (28, 32, 36)  # as 256 gives 224, 256, 288
    for side in range(14, 700):
        assert single_scale(assumed_S(side))[0] == multi_scale(assumed_S(side), side)[1]
        assert in_proportion(256, side) >= side


def test_the_single_scale_is_the_middle_of_the_multi_scale():
    for low in range(64, 600, 7):
        for high in range(low, 900, 31):
            S = TrainingScale(low, high)
            assert multi_scale(S)[1:2] == single_scale(S)
            assert low <= single_scale(S)[0] <= high


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-256",
        "large",
        "256 512",
        "256\n512",
        "512-256",
        "256-",
        "-",
        "0-5",
        "256-384-512",
        "[256",
        "256]",
        "[256;512",
        "256-512]",
        "256.5",
    ],
)
def test_what_is_no_S_is_refused_in_one_line_that_says_what_is_allowed(text):
    with pytest.raises(ValueError, match="give one scale such as 256, or a range such as 256-512") as caught:
        parse_S(text)
    assert "\n" not in str(caught.value)
    assert repr(text) in str(caught.value)
