"""A row's signature is a function of its parts' keys and shares, and different ones have different signatures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from bench.engine.counting import result_of
from bench.engine.job import Job
from bench.engine.keys import part_key
from bench.engine.request import Numbers
from bench.engine.rows import Row
from bench.images.dataset import Images
from bench.images.pixels import parse_pixels
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.weights import Weights
from protocols.protocol import parse
from protocols.scales import parse_S
from results.metrics import Standings
from results.result import Result
from results.tally import Tally

IMAGES = Images("a+b =c", (Path("1"),), ("1",), np.zeros(1, int), None, 1, pixel_digests=("0",))
COUNTED = Tally(Standings(np.zeros(1, int), np.zeros(1, int)), 8, 1.0, ("cpu",), ())
COLOUR = ("RGB/255/128,128,128/64,64,64", "BGR/1/0.5,0.5,0.5/1e+20,1,1", "RGB/1/0.5,0.5,0.5/1,1,1e+20")
GREY = ("L/1/0.5/0.5", "L/255/0/1e+20", "L/255/1e+20/1")
NETS = st.tuples(
    st.sampled_from(["vgg11", "vgg16", "inception_v3", "digitnet"]),
    st.integers(0, 2),  # which weights
    st.sampled_from([1, 0.5, 1 / 3, 1e-7]),
    st.sampled_from(["256", "384", "256-512", "224-288"]),
    st.integers(0, 2),  # which pixels
    st.sampled_from([None, 0, 1]),  # the class that is dropped
    st.sampled_from([None, 384]),  # the crops' side
)
ITEMS = st.sampled_from(
    ["centre", "centre@384", "dense", "single-scale", "multicrop", "dense+multicrop", "centre@384+dense", "dense@384"]
)
A, B, REST = ("vgg11", 0, 1), ("vgg16", 1, 1), (0, None, None)
OFTEN = settings(max_examples=100, derandomize=True, deadline=None)
Net = tuple[str, int, float, str, int, int | None, int | None]


def row(nets: list[Net], item: str) -> Row:
    """The fusion of some nets as `bench.run` makes it of one item of --protocol; files and classes have odd names."""
    found = []
    for name, number, width, S, pixels, drop, side in nets:
        state = {"weight": torch.tensor([float(number)])}
        weights = Weights("x + y=z protocol=centre@1.pth", state, width=width, classes=("a+b", "c = d"))
        taken = parse_pixels((GREY if name == "digitnet" else COLOUR)[pixels])
        how = (taken, parse_S(S), torch.device("cpu"), Precision("fp32"))
        model = Model(name, weights, nn.Identity(), 2, *how, drop=drop, side=side or 224)
        found.append((model, parse(item, model.S, None, model.side)))
    return Row(tuple(found))


def keys(row: Row) -> list:
    """Of every net in order: its parts' keys with their shares."""
    return [
        {tuple(part_key(model, part, IMAGES).items()): share for part, share in protocol.weights.items()}
        for model, protocol in row.nets
    ]


def result(row: Row) -> Result:
    return result_of(Job(IMAGES, [model for model, _ in row.nets], [row], {}, Numbers(), None, Path()), row, COUNTED)


@OFTEN
@given(nets=st.lists(NETS, min_size=1, max_size=4), place=st.integers(0, 3), other=NETS, items=st.tuples(ITEMS, ITEMS))
@example([(*A, "256", *REST), (*B, "384", *REST)] * 2, 3, (*B, "256", *REST), ("dense", "dense"))
def test_signatures_differ_where_keys_or_shares_do(nets, place, other, items):
    """A fusion against itself with one net replaced, with its nets turned round, and with one net more."""
    one = row(nets, items[0])
    replaced = [other if k == place % len(nets) else net for k, net in enumerate(nets)]
    for theirs in (replaced, nets[::-1], [*nets, other]):
        two = row(theirs, items[1])
        assert (result(one).signature == result(two).signature) == (keys(one) == keys(two))


@OFTEN
@given(nets=st.lists(NETS, min_size=1, max_size=4), item=ITEMS)
def test_a_signature_is_words_of_different_names_with_one_value_each(nets, item):
    """Whatever files and sets are called."""
    line = result(row(nets, item)).signature
    names = [word.partition("=")[0] for word in line.split(" ")]
    assert len(set(names)) == len(names) == line.count("=")


@pytest.mark.parametrize(
    ("S", "said"),
    [
        (["384"], "dense@352/384/416"),
        (["384"] * 4, "dense@352/384/416"),
        (["256", "384"], "dense@224/256/288+dense@352/384/416"),
        (["256", "384", "256"], "dense@224/256/288+dense@352/384/416+dense@224/256/288"),
        (["256", "384", "384"], "dense@224/256/288+dense@352/384/416+dense@352/384/416"),
    ],
)
def test_what_all_nets_have_is_said_once_and_else_there_is_one_value_per_net(S, said):
    found = result(row([("vgg11", k, 1, each, *REST) for k, each in enumerate(S)], "dense"))
    assert f" protocol={said} " in found.signature
    assert found.protocol == said.replace("+", " + ")
    assert " width=1 " in found.signature
