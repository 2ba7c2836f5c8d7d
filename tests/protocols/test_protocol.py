from fractions import Fraction

import pytest

from protocols.methods import FEATURES, METHODS
from protocols.protocol import DESCRIPTIONS, METHOD_NAMES, Part, Protocol, ProtocolError, parse, parse_Q
from protocols.scales import TrainingScale, parse_S

SPELLED_OUT = [
    "centre@256",
    "tencrop@256",
    "dense@384",
    "dense@224/256/288",
    "multicrop@224",
    "multicrop@256/384/512",
    "dense@256/384/512+multicrop@256/384/512",
    "dense@384+multicrop@256/384/512",
    "centre@256+tencrop@256+dense@256+multicrop@256",
    "dense@1/4096",
]


@pytest.mark.parametrize("text", SPELLED_OUT)
def test_a_spelled_out_protocol_prints_back(text):
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", [*SPELLED_OUT, *METHOD_NAMES, "dense+multicrop", "single-scale@224"])
@pytest.mark.parametrize("S", ["256", "384", "[256;512]", "[300;301]"])
def test_parse_of_str_is_the_same_protocol(text, S):
    protocol = parse(text, parse_S(S))
    assert parse(str(protocol)) == protocol


@pytest.mark.parametrize(
    ("text", "S", "meaning"),
    [
        ("single-scale", "256", "dense@256"),  # Table 3
        ("single-scale", "384", "dense@384"),
        ("single-scale", "[256;512]", "dense@384"),
        ("multi-scale", "256", "dense@224/256/288"),  # Table 4
        ("multi-scale", "384", "dense@352/384/416"),
        ("multi-scale", "[256;512]", "dense@256/384/512"),
        ("dense", "384", "dense@352/384/416"),
        ("multicrop", "[256;512]", "multicrop@256/384/512"),  # Table 5
        ("dense+multicrop", "[256;512]", "dense@256/384/512+multicrop@256/384/512"),
        ("centre", "384", "centre@256"),
        ("tencrop", "384", "tencrop@256"),
    ],
)
def test_names_mean_the_rules_of_the_paper(text, S, meaning):
    assert str(parse(text, parse_S(S))) == meaning


def test_weights_that_state_no_S_are_taken_as_jittered():
    assert parse("multi-scale") == parse("multi-scale", parse_S("[256;512]"))


@pytest.mark.parametrize(
    ("text", "side", "meaning"),
    [
        ("centre", 224, "centre@256"),
        ("centre", 299, "centre@342"),  # torchvision's own for inception_v3
        ("tencrop", 28, "tencrop@32"),
        ("dense", 28, "dense@32/48/64"),
        ("single-scale", 56, "dense@96"),
        ("multicrop@30", 28, "multicrop@30"),
    ],
)
def test_other_sides_than_224_get_the_papers_Q_in_proportion(text, side, meaning):
    assert str(parse(text, side=side)) == meaning


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("multi-scale", "dense"),
        ("single-scale", "dense@384"),
        ("single-scale@256", "dense@256"),
        ("dense@512/256/384", "dense@256/384/512"),
        ("multicrop@256+dense@384", "dense@384+multicrop@256"),
        (" dense@256 + multicrop@256 ", "dense@256+multicrop@256"),
        ("dense@0256", "dense@256"),
        ("centre", "centre@256"),
    ],
)
def test_one_protocol_under_two_names_is_equal_and_hashes_alike(one, other):
    assert parse(one) == parse(other)
    assert hash(parse(one)) == hash(parse(other))
    assert {parse(one), parse(other)} == {parse(one)}


def test_different_protocols_differ():
    assert len({parse(text) for text in SPELLED_OUT}) == len(SPELLED_OUT)


def test_Q_given_apart_holds_where_none_is_written():
    assert str(parse("dense+multicrop@224", Q=(512, 256))) == "dense@256/512+multicrop@224"
    assert str(parse("single-scale", Q=(300,))) == "dense@300"
    assert parse("dense", Q=(256, 256)) == parse("dense@256")


@pytest.mark.parametrize("text", [*SPELLED_OUT, *METHOD_NAMES, "dense+multicrop"])
@pytest.mark.parametrize("S", [TrainingScale(256, 256), TrainingScale(256, 512), TrainingScale(256, 257)])
def test_weights_add_up_to_one(text, S):
    protocol = parse(text, S)
    assert sum(protocol.weights.values()) == 1
    assert tuple(protocol.weights) == protocol.parts


def test_weights_are_a_mean_over_methods_of_means_over_Q():
    assert parse("dense@384+multicrop@256/384/512").weights == {
        Part("dense", 384): Fraction(1, 2),
        Part("multicrop", 256): Fraction(1, 6),
        Part("multicrop", 384): Fraction(1, 6),
        Part("multicrop", 512): Fraction(1, 6),
    }


def test_Q_and_views_of_a_sum():
    protocol = parse("dense@256/384/512+multicrop@256/352")
    assert protocol.Q == (256, 352, 384, 512)
    assert protocol.nominal_views == 3 * 2 + 2 * 50
    assert protocol.parts[0] == Part("dense", 256)
    assert [str(part) for part in protocol.parts[3:]] == ["multicrop@256", "multicrop@352"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("center", "centre"),
        ("ten-crop", "tencrop"),
        ("10crop", "tencrop"),
        ("multi-crop", "multicrop"),
        ("multcrop@256", "multicrop"),
        ("dens", "dense"),
        ("DENSE", "dense"),
        ("multiscale", "multi-scale"),
        ("singlescale@256", "single-scale"),
    ],
)
def test_a_near_miss_is_suggested(text, meant):
    with pytest.raises(ProtocolError, match=rf"did you mean {meant}\?$"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the methods are centre, tencrop, dense"),
        ("zzz", "the methods are centre, tencrop, dense"),
        ("@256", "the methods are"),
        ("256", "the methods are"),
        ("dense@", "whole numbers"),
        ("dense@0", "whole numbers of pixels up to 4096"),
        ("dense@-256", "whole numbers"),
        ("dense@4097", "whole numbers"),
        ("dense@9999999999999", "whole numbers"),
        ("dense@256.0", "whole numbers"),
        ("dense@256/", "whole numbers"),
        ("dense@256//384", "whole numbers"),
        ("dense@256@384", "whole numbers"),
        ("dense@ 256", "whole numbers"),
        ("dense@256/\n384", "whole numbers"),
        ("dense@256/256", "each Q once"),
        ("dense@256/0256", "each Q once"),
        ("dense+", "the methods are"),
        ("dense++multicrop", "the methods are"),
        ("dense\nmulticrop", "the methods are"),
        ("dense@256+dense@384", "each method once; write several Q as dense@256/384/512"),
        ("centre+multicrop@256+multicrop@384", "write several Q as multicrop@256/384/512"),
        ("dense+multi-scale", "each method once"),
        ("single-scale@256/384", "single-scale takes one Q"),
    ],
)
def test_a_bad_protocol_is_refused_in_one_line(text, says):
    with pytest.raises(ProtocolError) as caught:
        parse(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("S", "given"), [("20", "-12/20/52"), ("32", "0/32/64"), ("5000", "4968/5000/5032")])
def test_a_rule_that_gives_an_impossible_Q_is_refused(S, given):
    with pytest.raises(ProtocolError, match=f"Q {given} is not within 1 to 4096; write multi-scale@Q"):
        parse("multi-scale", parse_S(S))


@pytest.mark.parametrize("Q", [(0,), (-1, 256), (256, 4097)])
def test_an_impossible_Q_given_apart_is_refused(Q):
    with pytest.raises(ProtocolError, match="not within 1 to 4096"):
        parse("dense", Q=Q)


def test_single_scale_refuses_several_Q_given_apart():
    with pytest.raises(ProtocolError, match="single-scale takes one Q"):
        parse("single-scale", Q=(256, 384))


@pytest.mark.parametrize("text", ["", ",", "dense,", ",dense"])
def test_an_empty_item_of_a_list_is_refused(text):
    with pytest.raises(ProtocolError, match="the methods are"):
        [parse(each) for each in text.split(",")]


@pytest.mark.parametrize(("text", "Q"), [("384", (384,)), ("512/256", (256, 512)), ("256,384", (256, 384))])
def test_Q_reads_with_slashes_or_commas_in_any_order(text, Q):
    assert parse_Q(text) == Q


def test_every_name_leads_to_a_method_and_is_described():
    published = {"published", "published-squash"}  # of which the weights say which one
    assert {method for method, _ in METHOD_NAMES.values()} | published | {FEATURES} == set(METHODS)
    described = {name for protocols in DESCRIPTIONS.values() for name in protocols}
    assert {*METHOD_NAMES, "published"} <= described


def test_protocols_are_values():
    assert parse("dense@256") == Protocol(((Part("dense", 256),),))
    with pytest.raises(AttributeError):
        parse("dense@256").methods = ()
