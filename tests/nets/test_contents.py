"""Files as people have them: which state dict is read, and what is refused for lack of a word."""

from argparse import Namespace
from collections import Counter
from fractions import Fraction
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from devices import chosen
from safetensors.torch import save_file

from bench.errors import UserError
from bench.nets import zoo
from bench.nets.named import make_model
from bench.nets.reading import read_weights

FIRST = {"layer.weight": torch.arange(12.0).reshape(4, 3), "layer.bias": torch.zeros(4)}
OTHER = {name: value + 1 for name, value in FIRST.items()}


def prefixed(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {prefix + name: value for name, value in state.items()}


def optimiser() -> dict:
    """As torch's Adam leaves it: its state holds tensors of the net's shapes."""
    parameter = torch.nn.Parameter(torch.zeros(4, 3))
    adam = torch.optim.Adam([parameter])
    parameter.grad = torch.ones(4, 3)
    adam.step()
    return adam.state_dict()


AVERAGED = {"n_averaged": torch.tensor(9), **prefixed("module.", FIRST)}
BY_NAME = {"state": {"layer.weight": {"exp_avg": torch.ones(4, 3)}}, "param_groups": [{"lr": 0.1}]}
ALONE = {
    "bare": FIRST,
    "net": {"net": FIRST, "epoch": 3},
    "params": {"params": FIRST},
    "an average alone": {"model_ema": AVERAGED},
    "an average of two wrappers": {"averaged": {"n_averaged": torch.tensor(9), **prefixed("module.module.", FIRST)}},
    "nested": {"state": {"model": FIRST}, "epoch": 1},
    "torchvision's references": {"model": FIRST, "optimizer": optimiser(), "args": Namespace(lr=0.1, model="vgg16")},
    "an optimiser by another name": {"model": FIRST, "adam": optimiser()},
    "fastai": {"model": FIRST, "opt": optimiser()},
    "mmpretrain": {"meta": {"epoch": 3, "classes": ["a"]}, "state_dict": FIRST, "message_hub": {"log": torch.ones(9)}},
    "Lightning": {"state_dict": FIRST, "hyper_parameters": {"lr": 0.1}, "optimizer_states": [optimiser()]},
    "distributed": {"app": {"model": FIRST, "optim": BY_NAME}},
    "flattened": {"net": FIRST, "o": {"state.layer.weight.exp_avg": torch.ones(4, 3), "param_groups.lr": 1}},
    "states of generators": {"model": FIRST, "rng": torch.get_rng_state(), "losses": torch.ones(5)},
    "numbers beside tensors": {**FIRST, "epoch": 3, "arch": "resnet18"},
    "one of a list": [FIRST],
    "sharded": prefixed("_fsdp_wrapped_module.", {"layer._checkpoint_wrapped_module.weight": FIRST["layer.weight"],
                                                  "layer.bias": FIRST["layer.bias"]}),
    "compiled inside": prefixed("module.", {"layer._orig_mod.weight": FIRST["layer.weight"],
                                            "layer.bias": FIRST["layer.bias"]}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    """Where the files of a test are."""
    monkeypatch.chdir(tmp_path)


def read(content: object, key: str | None = None, model: str | None = None) -> dict[str, torch.Tensor]:
    torch.save(content, "w.pth")
    return read_weights("w.pth", model, key).state


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("content", ALONE.values(), ids=ALONE)
def test_a_state_dict_that_stands_alone_is_read_whatever_its_key(content):
    assert same(read(content), FIRST)


SEVERAL = {
    "torchvision and DeiT": ({"model": OTHER, "model_ema": AVERAGED}, {"model": OTHER, "model_ema": FIRST}),
    "timm": ({"state_dict": FIRST, "state_dict_ema": OTHER}, {"state_dict": FIRST, "state_dict_ema": OTHER}),
    "equal ones": ({"best": FIRST, "last": FIRST}, {"best": FIRST, "last": FIRST}),
    "nested": ({"state": {"net": FIRST}, "ema": {"shadow": OTHER}}, {"state.net": FIRST, "ema.shadow": OTHER}),
    "one in a callback": (
        {"state_dict": FIRST, "callbacks": {"EMA": {"ema": OTHER}}},
        {"state_dict": FIRST, "callbacks.EMA.ema": OTHER},
    ),
    "folds": ({"folds": [FIRST, OTHER]}, {"folds.0": FIRST, "folds.1": OTHER}),
    "one beside tensors": ({**FIRST, "ema": OTHER}, {".": FIRST, "ema": OTHER}),
    "an average without names": (
        {"model": FIRST, "ema": {"decay": 0.9, "shadow_params": list(OTHER.values())}},
        {"model": FIRST},
    ),
}


@pytest.mark.parametrize(("content", "states"), SEVERAL.values(), ids=SEVERAL)
def test_of_several_state_dicts_one_must_be_chosen(content, states):
    with pytest.raises(UserError, match=r"--weights-key") as caught:
        read(content)
    for key, state in states.items():
        assert key in str(caught.value)
        assert same(read(content, key), state)
    with pytest.raises(UserError, match=f"nothing is under 'xyz'.*{next(iter(states))}"):
        read(content, "xyz")


def test_tensors_without_names_are_no_state_dict():
    shadow = {"ema": {"shadow_params": list(FIRST.values())}}
    with pytest.raises(UserError, match=r"not a state dict.*ema\.shadow_params is a list of tensors"):
        read(shadow)
    with pytest.raises(UserError, match=r"ema\.shadow_params is a list"):
        read({"model": FIRST, **shadow}, "ema.shadow_params")


def test_what_was_chosen_is_said_and_told_apart():
    torch.save({"model": FIRST, "ema": OTHER}, "w.pth")
    one, other = (read_weights("w.pth", key=key) for key in ("model", "ema"))
    assert [one.label, other.label] == ["w.pth[model]", "w.pth[ema]"]
    assert one.digest != other.digest
    assert one.digest == _digest(FIRST)


def _digest(state: dict[str, torch.Tensor]) -> str:
    torch.save(state, "bare.pth")
    return read_weights("bare.pth").digest


@pytest.mark.parametrize("spec", ["builtin:D-256", "torchvision:VGG16_Weights.IMAGENET1K_V1"])
def test_weights_that_are_no_file_have_no_keys(spec):
    with pytest.raises(UserError, match="holds one state dict"):
        read_weights(spec, "vgg16", "model")


def net_state(value: float) -> dict[str, torch.Tensor]:
    state = zoo.build("simplecnn", 7).state_dict()
    return {name: torch.full(each.shape, value, dtype=each.dtype) for name, each in state.items()}


SIDE_BY_SIDE = {
    "student and teacher": (("student.", "teacher."), {}),
    "MoCo on several GPUs": (("module.encoder_q.", "module.encoder_k."), {"module.queue": torch.ones(4, 9)}),
    "an average in one dictionary": (("model.", "ema.module."), {"ema.decay": torch.tensor(0.9)}),
}


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize(("prefixes", "more"), SIDE_BY_SIDE.values(), ids=SIDE_BY_SIDE)
def test_two_nets_in_one_state_dict_are_refused_and_chosen_by_prefix(prefixes, more, safe):
    content = {**prefixed(prefixes[0], net_state(1)), **prefixed(prefixes[1], net_state(2)), **more}
    name = "w.safetensors" if safe else "w.pth"
    (save_file if safe else torch.save)(content, name)
    with pytest.raises(UserError, match=r"do not fit simplecnn.*--weights-key") as caught:
        _load(name, None)
    for value, prefix in enumerate(prefixes, start=1):
        key = prefix.removeprefix("module.").removesuffix(".")
        assert key in str(caught.value)
        assert same(_load(name, key), net_state(value))


def _load(name: str, key: str | None) -> dict[str, torch.Tensor]:
    weights = read_weights(name, "simplecnn", key)
    return dict(zoo.load("simplecnn", weights.state, 7, 1, name).state_dict())


def test_a_prefix_of_all_names_goes_where_the_rest_are_the_nets():
    state = net_state(1)
    assert same(read({"state_dict": prefixed("model.net.", state)}, model="simplecnn"), state)
    assert same(read(state, model="simplecnn"), state)
    with_loss = {**prefixed("model.", state), "criterion.weight": torch.ones(7)}
    assert read({"state_dict": with_loss}, model="simplecnn").keys() == with_loss.keys()
    assert same(read({"state_dict": with_loss}, "model", "simplecnn"), state)
    assert same(read({"state_dict": with_loss, "ema": state}, "state_dict.model", "simplecnn"), state)


def test_heads_for_training_are_left_out_of_nets_that_have_them_alone():
    state = {**net_state(1), "aux1.fc.weight": torch.ones(7, 7)}
    with pytest.raises(UserError, match=r"surplus aux1\.fc\.weight"):
        zoo.load("simplecnn", state, 7, 1, "x")


@pytest.mark.parametrize("buffer", ["running_mean", "running_var"])
def test_statistics_of_a_batch_normalisation_must_be_there(buffer):
    state = {name: torch.zeros(each.shape) for name, each in zoo.build("resnet18", 7).state_dict().items()}
    state = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    zoo.load("resnet18", dict(state), 7, 1, "x")  # evaluation does not count batches
    del state[f"bn1.{buffer}"]
    with pytest.raises(UserError, match=rf"missing bn1\.{buffer}"):
        zoo.load("resnet18", state, 7, 1, "x")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("net.npy", b"", "a file of NumPy"),
        ("net.tflite", b"", "TensorFlow"),
        ("shards", None, "a folder"),
        ("net.zip", b"", "give auto"),
    ],
)
def test_files_of_others_are_refused_in_words(tmp_path, name, content, said):
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        read_weights(name)
    assert ".safetensors" in str(caught.value)


def test_what_a_pickle_holds_beside_tensors_is_named():
    with pytest.raises(UserError, match=r"more than tensors \(fractions\.Fraction\)"):
        read({"model": FIRST, "share": Fraction(1, 3)})


STATE_KEYS = ("state_dict", "model", "model_state", "model_state_dict", "net", "model_ema", "ema", "state_dict_ema")
KEPT_BESIDE = {
    "best_acc1": np.float64(0.71),
    "epoch": np.int64(3),
    "args": Namespace(data=Path("x"), lr=0.1, betas=(0.9, 0.999), workers=None),
    "settings": SimpleNamespace(output=PurePosixPath("runs")),
    "scaler": {"scale": 65536.0, "growth_factor": 2.0},
    "lr_scheduler": {"base_lrs": [0.1], "milestones": Counter([3, 6])},
}


@pytest.mark.parametrize("key", STATE_KEYS)
@pytest.mark.parametrize("new", [True, False])
def test_what_training_scripts_keep_beside_weights_is_passed_over(key, new):
    content = {**KEPT_BESIDE, key: AVERAGED if "ema" in key else FIRST, "optimizer": optimiser()}
    if not new:
        content = {name: each for name, each in content.items() if not isinstance(each, np.generic)}
    torch.save(content, "w.pth", _use_new_zipfile_serialization=new)
    before = set(torch.serialization.get_safe_globals())
    assert same(read_weights("w.pth").state, FIRST)
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize("name", ["last.ckpt", "moco.pth.tar", "pytorch_model.bin"])
def test_other_ends_of_torchs_files_are_read(name):
    torch.save({"state_dict": FIRST}, name)
    assert same(read_weights(name).state, FIRST)


def test_a_class_left_out_leaves_the_soft_max_of_the_others():
    torch.manual_seed(0)
    state = {name: torch.randn(each.shape) / 10 for name, each in zoo.build("simplecnn", 7).state_dict().items()}
    torch.save(state, "w.pth")
    weights = read_weights("w.pth", "simplecnn")
    how = (None, None, chosen(), _fp32(), "scores")
    whole, without = make_model("simplecnn", weights, *how), make_model("simplecnn", weights, *how, drop=2)
    assert (whole.count, without.count) == (7, 6)
    views = torch.randint(256, (2, 3, 64, 70), dtype=torch.uint8)
    for crops, dense in ((views[..., :56, :56], False), (views, True)):
        expected = whole.posteriors(crops, dense)[:, [0, 1, 3, 4, 5, 6]]
        assert torch.allclose(without.posteriors(crops, dense), expected / expected.sum(1, keepdim=True), atol=1e-6)
    with pytest.raises(UserError, match="has 7 classes, 0 to 6"):
        make_model("simplecnn", weights, *how, drop=7)


def _fp32():
    from bench.nets.device import Precision

    return Precision("fp32")
