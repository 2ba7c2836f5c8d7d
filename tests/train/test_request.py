"""A request for training: the inverse of the command line, and what it refuses."""

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UserError
from bench.images.sources import DataSpec
from bench.train.__main__ import parser, requested
from bench.train.training_request import TrainingRequest, command_line

NAMES = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=9)
NUMBERS = st.floats(0, 1, exclude_min=True, exclude_max=True)
COUNTS = st.integers(1, 10**6)
IMAGES = st.builds(
    DataSpec,
    source=NAMES.map("folder:{}".format),
    split=st.none() | NUMBERS,
    seed=st.integers(0, 10**6),
    limit=st.none() | COUNTS,
    class_order=st.sampled_from([None, "text", "number"]),
    labels_from=st.sampled_from([0, 1]),
    allow_duplicates=st.booleans(),
    exif=st.booleans(),
    verify=st.booleans(),
    classes=st.none() | NAMES.filter(lambda name: "," not in name),
)
FIELDS = {
    "model": NAMES,
    "width": st.none() | NUMBERS,
    "dropout": NUMBERS | st.just("own"),
    "images": IMAGES,
    "S": st.sampled_from([None, "256", "256-512"]),
    "init": NAMES,
    "weights_key": st.none() | NAMES,
    "pixels": st.sampled_from([None, "caffe", "L/1/0.13/0.31"]),
    "rate": st.none() | NUMBERS,
    "weight_decay": st.none() | NUMBERS | st.just(0.0),
    "schedule": st.sampled_from(["plateau", "step", "cosine"]),
    "epochs": st.lists(COUNTS, min_size=1, max_size=3).map(tuple),
    "patience": COUNTS,
    "batch": COUNTS,
    "dtype": st.sampled_from(["fp32", "tf32", "bf16"]),
    "device": NAMES,
    "workers": st.none() | st.integers(0, 64),
    "threads": st.none() | COUNTS,
    "half": st.booleans(),
    "out": st.none() | NAMES.map(Path),
}
TOGETHER = st.sampled_from(
    [
        {},
        {"optimiser": "adam"},
        {"momentum": 0.5},
        {"freeze": True, "augment": "none", "cache_features": True},
        {"freeze": True, "augment": "paper"},
    ]
)


@given(st.fixed_dictionaries(FIELDS), TOGETHER)
def test_the_command_line_of_a_request_makes_the_request_again(own, together):
    request = TrainingRequest(**own, **together)
    assert requested(parser().parse_args(command_line(request))) == request


def test_all_fields_are_tried():
    tried = {*FIELDS, "optimiser", "momentum", "freeze", "augment", "cache_features"}
    assert tried == {each.name for each in fields(TrainingRequest)}


def test_what_nobody_says_is_the_same_in_both():
    assert requested(parser().parse_args([])) == TrainingRequest()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rate": "fast"}, "--rate 'fast': give a number above 0"),
        ({"batch": True}, "--batch 'True': give a whole number from 1"),
        ({"rate": 0}, "--rate '0': give a number above 0"),
        ({"dropout": 1}, "--dropout '1': give a number from 0 to below 1, or own"),
        ({"momentum": -1}, "--momentum '-1': give a number from 0"),
        ({"weight_decay": -1}, "--weight-decay '-1': give a number from 0"),
        ({"epochs": ()}, "--epochs '': give whole numbers from 1"),
        ({"epochs": (4, 0)}, "--epochs '4,0': give whole numbers from 1"),
        ({"batch": 0}, "--batch '0': give a whole number from 1"),
        ({"workers": -1}, "--workers '-1': give a whole number from 0"),
        ({"augment": "much"}, "--augment 'much': give paper or none"),
        ({"schedule": "slow"}, "--schedule 'slow': give plateau, step or cosine"),
        ({"S": "wide"}, "S 'wide': give one scale"),
        ({"pixels": "x"}, "pixels 'x': give torchvision"),
        ({"freeze": True}, "--freeze: without --init"),
        ({"weights_key": "ema"}, "--weights-key: it is of the weights of --init"),
        ({"cache_features": True}, "--cache-features: features are the same"),
        ({"optimiser": "adam", "momentum": 0.9}, "--momentum: adam has its own"),
    ],
)
def test_what_contradicts_itself_is_one_line(wrong, said):
    with pytest.raises(UserError) as told:
        TrainingRequest(**wrong)
    assert said in str(told.value)
