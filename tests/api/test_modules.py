"""Modules and images that only Python knows: evaluated as their makers meant them."""

import warnings
from collections.abc import Callable
from types import MethodType
from typing import NamedTuple

import numpy as np
import pytest
import torch
from conftest import CLASSES, PIXELS, make_image
from small_nets import ASKED, Small, Squashed, Untold
from torch import nn
from torchvision.transforms.v2.functional import center_crop

import bench
from bench.images.pixels import decode
from bench.images.rescaling import rescale
from bench.images.scaling import Scaling
from bench.nets.reading import read_weights

pytest_plugins = ("five_photographs",)


def test_a_module_has_the_posteriors_of_the_net_that_is_named(weights, images, tmp_path):
    model = bench.load_model(str(weights))
    protocols = "centre@256,multicrop@256,dense@256"
    mine = bench.evaluate(model.net, images, protocols, classes=CLASSES, store=tmp_path, **ASKED)
    named = bench.evaluate(model, images, protocols, store=tmp_path, progress=False)
    for one, other in zip(mine, named, strict=True):
        assert np.array_equal(one.posteriors.probs, other.posteriors.probs)
        assert one.wrong1 == other.wrong1
    assert read_weights(str(weights)).classes == CLASSES


def test_nets_of_equal_tensors_and_other_computation_share_no_block(images, tmp_path):
    one, other = (
        bench.evaluate(net, images, "centre@256", store=tmp_path, **ASKED)[0] for net in (Small(), Squashed())
    )
    assert all(torch.equal(value, Squashed().state_dict()[name]) for name, value in Small().state_dict().items())
    assert not np.array_equal(one.posteriors.probs, other.posteriors.probs)
    assert one.signature != other.signature
    assert len(list(tmp_path.iterdir())) == 2


def test_training_goes_on_between_calls_and_the_next_call_sees_it(images, tmp_path):
    net = Small()
    before = bench.evaluate(net, images, "centre@256", store=tmp_path, **ASKED)[0].posteriors.probs
    again = bench.evaluate(net, images, "centre@256", store=tmp_path, **ASKED)[0].posteriors.probs
    with torch.no_grad():
        net.last.bias[0] += 5
    after = bench.evaluate(net, images, "centre@256", store=tmp_path, **ASKED)[0].posteriors.probs
    assert np.array_equal(before, again)
    assert (after[:, 0] > before[:, 0]).all()


class Standardised(nn.Conv2d):
    """A torch layer's child that computes something else: no form of its parent may stand for it."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(images, weight, self.bias, padding=1)


def tower(second: nn.Module) -> nn.Module:
    """Wide enough for the quick forms of a CPU."""
    torch.manual_seed(0)
    first = nn.Conv2d(3, 64, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 7))


def with_hook() -> nn.Module:
    layer = nn.Conv2d(64, 64, 3, padding=1)
    layer.register_forward_hook(lambda layer, given, found: found * 3)
    return layer


SPECIAL: dict[str, Callable[[], nn.Module]] = {
    "child of a layer": lambda: tower(Standardised(64, 64, 3, padding=1)),
    "hook": lambda: tower(with_hook()),
    "normalised weights": lambda: tower(nn.utils.parametrizations.weight_norm(nn.Conv2d(64, 64, 3, padding=1))),
    "normalised by a hook": lambda: tower(nn.utils.weight_norm(nn.Conv2d(64, 64, 3, padding=1))),
    "half precision": lambda: tower(nn.Conv2d(64, 64, 3, padding=1)).half(),
    "scripted": lambda: torch.jit.script(tower(nn.Conv2d(64, 64, 3, padding=1))),
    "scripted in double precision": lambda: torch.jit.script(tower(nn.Conv2d(64, 64, 3, padding=1)).double()),
    "compiled": lambda: torch.compile(tower(nn.Conv2d(64, 64, 3, padding=1))),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL)
def test_the_posteriors_are_those_of_a_plain_loop(images, tmp_path, make):
    net = make().eval()
    row = bench.evaluate(net, images, "centre@256", store=tmp_path, **ASKED)[0]
    plain = net.float()
    for index in range(len(images)):
        whole = rescale(decode(*images.place(index)), Scaling(256))
        with torch.no_grad():
            scores = plain(PIXELS.normalise(center_crop(whole, [224, 224]))[None])
        assert np.allclose(row.posteriors.probs[index], scores.softmax(1)[0].numpy(), atol=1e-5)


def test_nothing_is_kept_of_a_net_that_nobody_can_tell(images, tmp_path, capfd):
    with pytest.warns(bench.BenchWarning, match=r"^net 'Untold': .*; identity='...' says what it computes"):
        row = bench.evaluate(Untold(), images, "centre@256", store=tmp_path, **ASKED)[0]
    assert list(tmp_path.iterdir()) == []
    told = bench.evaluate(Small(), images, "centre@256", store=tmp_path, **ASKED)[0]
    assert np.allclose(row.posteriors.probs, told.posteriors.probs, atol=1e-6)  # its norms are not folded
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bench.evaluate(Untold(), images, "centre@256", store=tmp_path, identity="untold 1", **ASKED)
    assert len(list(tmp_path.iterdir())) == 2
    assert capfd.readouterr() == ("", "")


def tripled() -> nn.Module:
    net = Small()
    net.forward = MethodType(lambda self, images: 3 * Small.forward(self, images), net)  # type: ignore[method-assign]
    return net


def test_a_forward_put_onto_a_net_is_its_own_computation(images, tmp_path):
    plain = bench.evaluate(Small(), images, "centre@256", store=tmp_path, **ASKED)[0].posteriors.probs
    changed = bench.evaluate(tripled(), images, "centre@256", store=tmp_path, **ASKED)[0].posteriors.probs
    assert np.allclose(changed, plain**3 / (plain**3).sum(1, keepdims=True), atol=1e-6)


def held() -> nn.Module:
    """In training mode, which its copy could not leave."""
    net = Small()
    usual = net.forward
    net.forward = lambda images: usual(images)  # type: ignore[method-assign]
    return net


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "text": (lambda: Changed(lambda scores: ("scores", scores)), "it gives a tuple, not scores"),
    "names": (lambda: Changed(lambda scores: {"features": scores}), "it gives a dict, not scores"),
    "map": (lambda: nn.Conv2d(3, 4, 3), "it must give scores"),
    "random": (lambda: Changed(lambda scores: scores + torch.rand_like(scores)), "depend on the image alone"),
    "batch": (lambda: Changed(lambda scores: scores - scores.mean(0)), "depend on the image alone"),
    "statistics": (
        lambda: nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), Small()),
        "no running statistics",
    ),
    "held": (held, "write it as a method of a class"),
    "one": (lambda: Changed(torch.squeeze), "of one image it makes"),
    "lazy": (lambda: nn.LazyConv2d(4, 3), "lazy layers"),
    "meta": (lambda: Small().to("meta"), "have no values"),
    "other images": (lambda: nn.Linear(3, 4), "it does not take images"),
}


class Changed(Small):
    def __init__(self, change: Callable[[torch.Tensor], object]) -> None:
        super().__init__()
        self.change = change

    def forward(self, images: torch.Tensor) -> object:
        return self.change(super().forward(images))


HOLDING: dict[str, Callable[[torch.Tensor], object]] = {
    "tuple": lambda scores: (scores, scores.sum()),
    "list": lambda scores: [scores],
    "logits": lambda scores: {"features": scores.sum(), "logits": scores},
    "out": lambda scores: {"out": scores, "aux": scores + 1},
    "named": lambda scores: Named(scores + 1, scores),
    "ones": lambda scores: scores[:, :, None, None],
    "both": lambda scores: (scores[:, :, None, None],),
}


class Named(NamedTuple):
    features: torch.Tensor
    logits: torch.Tensor


@pytest.mark.parametrize("hold", HOLDING.values(), ids=HOLDING)
def test_scores_are_found_in_what_a_net_gives(images, tmp_path, hold):
    plain, held = (
        bench.evaluate(net, images, "centre@256", store=tmp_path, **ASKED)[0] for net in (Small(), Changed(hold))
    )
    assert np.array_equal(plain.posteriors.probs, held.posteriors.probs)


def test_of_posteriors_no_second_soft_max_is_taken(images, tmp_path):
    plain = bench.evaluate(Small(), images, "centre@256,dense@288", store=tmp_path, **ASKED)
    rounded = Changed(lambda scores: scores.softmax(1).bfloat16().float())  # they add up to 1 less exactly
    with pytest.warns(bench.BenchWarning, match="it gives posteriors"):
        found = bench.evaluate(rounded, images, "centre@256", store=tmp_path, **ASKED)
    assert np.allclose(plain[0].posteriors.probs, found[0].posteriors.probs, atol=0.01)
    for soft in (nn.Sequential(Small(), nn.Softmax(1)), Changed(lambda scores: scores.softmax(1))):
        with pytest.warns(bench.BenchWarning, match="it gives posteriors"):
            found = bench.evaluate(soft, images, "centre@256,dense@288", store=tmp_path, **ASKED)
        for one, other in zip(plain, found, strict=True):
            assert np.allclose(one.posteriors.probs, other.posteriors.probs, atol=1e-6)


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_gives_no_scores_of_an_image_is_refused(images, make, message):
    with pytest.raises(bench.UserError, match=message) as told:
        bench.evaluate(make(), images, "centre@256", **ASKED)
    assert "\n" not in str(told.value)


def test_a_scripted_net_keeps_its_format(images, tmp_path):
    with pytest.raises(bench.UserError, match=r"dtype 'bf16': torch\.jit made net"):
        bench.evaluate(torch.jit.script(Small()), images, "centre@256", dtype="bf16", store=tmp_path, **ASKED)


def test_wrappers_are_looked_through(images, tmp_path):
    plain, wrapped = (
        bench.evaluate(net, images, "centre@256", store=tmp_path, **ASKED)[0]
        for net in (Small(), nn.DataParallel(Small()))
    )
    assert np.array_equal(plain.posteriors.probs, wrapped.posteriors.probs)
    assert len(list(tmp_path.iterdir())) == 1


def test_pictures_arrays_and_files_are_the_same_images(tmp_path):
    pictures = [make_image((300, 260), seed) for seed in range(3)]
    paths = []
    for k, picture in enumerate(pictures):
        paths.append(tmp_path / f"{k}.png")
        picture.save(paths[-1])
    kinds = (pictures, [np.asarray(each) for each in pictures], paths, list(map(str, paths)))
    rows = [
        bench.evaluate(Small(), [(each, k) for k, each in enumerate(kind)], "dense@256", store=tmp_path / "s", **ASKED)[
            0
        ]
        for kind in kinds
    ]
    for row in rows[1:]:
        assert np.array_equal(row.posteriors.probs, rows[0].posteriors.probs)
    predicted = [bench.predict(Small(), kind, "dense@256", **ASKED) for kind in kinds]
    for found in predicted:
        for k in range(3):
            assert np.array_equal(found[k].posteriors, rows[0].posteriors.probs[k])
            assert found[k].probs.tolist() == sorted(found[k].posteriors.tolist(), reverse=True)[:5]


def test_predictions_name_what_cannot_be_read(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    given = [make_image((300, 260), 0), str(tmp_path / "broken.png")]
    with pytest.raises(bench.UserError, match=r"1 image\(s\) cannot be read: .*broken.png"):
        bench.predict(Small(), given, "centre@256", **ASKED)
    assert len(bench.predict(Small(), given, "centre@256", skip_corrupt=True, **ASKED)) == 1


def test_a_saved_table_of_images_in_python_can_be_looked_into(tmp_path, capsys):
    from bench.inspect.__main__ import main as inspect

    pairs = [(make_image((300, 260), seed), seed) for seed in range(3)]
    table = bench.evaluate(Small(), pairs, "centre@256", store=tmp_path / "store", **ASKED)
    assert inspect([str(table.save(tmp_path / "run"))]) == 0
    assert "the images were given from Python" in capsys.readouterr().err
