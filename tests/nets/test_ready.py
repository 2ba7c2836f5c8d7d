"""Nets made ready to compute: what they share, what stays as it was, and what is computed in float32."""

from contextlib import suppress

import pytest
import torch
from conftest import PIXELS
from devices import chosen
from test_zoo import FAMILIES
from torch import nn

from bench.errors import UserError
from bench.nets import zoo
from bench.nets.convert import UnconvertibleError, fully_convolutional
from bench.nets.device import Precision
from bench.nets.float32_parts import Single, keep_single
from bench.nets.head import from_head_on
from bench.nets.initial import randomise
from bench.nets.layers import tensors_of
from bench.nets.model import Model
from bench.nets.out_of_memory import enough_memory
from bench.nets.overflow import Float16OverflowError, watched
from bench.nets.ready import Workshop
from bench.nets.torch_settings import _read, products_in
from bench.nets.weights import Weights
from protocols.scales import JITTERED

CPU = torch.device("cpu")
LOWER = ["bf16", "fp16"]


def net_of(name: str, classes: int = 5) -> nn.Module:
    torch.manual_seed(0)
    net = zoo.construct(name, classes, 1 / 16 if name in zoo.OWN else 1).eval()
    if name in zoo.OWN:
        randomise(net)
    return net


def model_of(net: nn.Module, name: str, dtype: str, device: torch.device = CPU) -> Model:
    return Model(name, Weights("none", {}, name), net, 5, PIXELS, JITTERED, device, Precision(dtype))


def images(count: int = 2, side: int = 224) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=torch.manual_seed(0))


def facts(net: nn.Module) -> list[tuple]:
    """Everything that making another net of one might change."""
    tensors = [
        (each, each.dtype, each.stride(), each.data_ptr(), each.requires_grad, each.device) for each in tensors_of(net)
    ]
    return [*tensors, *((layer, type(layer), layer.training, *layer._forward_hooks) for layer in net.modules())]


def same(one: list[tuple], other: list[tuple]) -> bool:
    return len(one) == len(other) and all(a[0] is b[0] and a[1:] == b[1:] for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("dtype", ["fp32", *LOWER])
@pytest.mark.parametrize("name", ["vgg11_bn", "nin", "resnet18"])
def test_making_a_net_ready_leaves_it_as_it_was(name, dtype):
    net = net_of(name).train()
    net.requires_grad_(False)
    next(net.modules()).register_forward_hook(lambda *_: None)
    before, values = facts(net), [each.clone() for each in tensors_of(net)]
    model = model_of(net, name, dtype)
    with torch.inference_mode():
        for whole in (False, True):
            ready = model.dense_net if whole else model.crop_net
            ready(torch.zeros(1, 3, 224, 224, dtype=model.precision.dtype))
    model.flops(224, 224, whole=True)
    assert same(before, facts(net))
    assert all(torch.equal(a, b) for a, b in zip(values, tensors_of(net), strict=True))


def test_cutting_a_net_before_its_head_leaves_it_in_its_mode():
    net = net_of("resnet18").train()
    net.layer1.eval()
    before = facts(net)
    from_head_on(net)
    assert same(before, facts(net))


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_what_a_nets_forms_share_is_held_once_and_what_nothing_changes_not_again(dtype):
    net = net_of("vgg11")
    model = model_of(net, "vgg11", dtype)
    crop, dense = (
        {name: each for name, each in form.named_parameters() if name.startswith("features")}
        for form in (model.crop_net, model.dense_net)
    )
    assert crop.keys() == dense.keys()
    assert all(crop[name].data_ptr() == dense[name].data_ptr() for name in crop)
    biases = [(mine, each) for mine, each in zip(net.parameters(), model.crop_net.parameters(), strict=True)]
    kept = [mine.data_ptr() == each.data_ptr() for mine, each in biases if mine.ndim < 4]
    assert all(kept) if dtype == "fp32" else sum(kept) == 2  # those of the last layer


def formats_behind(net: nn.Module, last: nn.Module, batch: torch.Tensor) -> tuple[set[torch.dtype], torch.Tensor]:
    """The formats of what a layer and the layers called after it give; and what the net gives."""
    seen: list[torch.dtype] = []

    def note(layer: nn.Module, _: object, value: torch.Tensor) -> None:
        if seen or layer is last:
            seen.append(value.dtype)

    hooks = [layer.register_forward_hook(note) for layer in net.modules()]
    with torch.inference_mode():
        found = net(batch)
    for hook in hooks:
        hook.remove()
    return set(seen), found


@pytest.mark.parametrize("name", ["vgg11-lrn", "zfnet", "caffenet", "nin", "simplecnn", *FAMILIES])
def test_the_last_layer_of_every_family_and_all_behind_it_are_float32(name):
    """On meta: formats are the same there as on any device."""
    net, side, meta = zoo.build(name, 7), zoo.side_of(name), torch.device("meta")
    forms: list[nn.Module] = [net]
    with suppress(UnconvertibleError):
        forms.append(fully_convolutional(net, side))
    for form in forms:
        ready = Workshop(name, meta, Precision("bf16")).ready(form)
        (last,) = [layer for layer in ready.modules() if isinstance(layer, Single) and not layer.back]
        formats, found = formats_behind(ready, last, torch.empty(1, 3, side, side, device=meta).bfloat16())
        assert formats == {torch.float32}
        assert found.dtype == torch.float32
        assert found.shape[1] == 7
        assert torch.bfloat16 in {each.dtype for each in ready.parameters()}


@torch.inference_mode()
def test_fp32_is_computed_by_the_layers_as_they_are():
    ready = Workshop("nin", CPU, Precision("fp32")).ready(net_of("nin"))
    assert not any(isinstance(layer, Single) for layer in ready.modules())


@pytest.mark.parametrize("dtype", LOWER)
def test_scores_of_a_half_precision_net_are_as_fine_as_float32(dtype):
    """Rounded to bf16, 100 scores of a class between 1 and 2 would take at most 128 values, ties among them."""
    model = model_of(net_of("nin"), "nin", dtype, chosen())
    found = torch.cat([model.posteriors(images(2), whole) for whole in (False, True)])
    rounded = found.log().to(model.precision.dtype).float()
    assert (found.log() - rounded).abs().max() > 0
    assert found.dtype == torch.float32


def test_tf32_is_off_in_the_last_layer_alone():
    """As settings: they are torch's to obey, on a device that has TF32."""
    seen = {}
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)).eval()
    keep_single(net)
    for layer in net.modules():
        layer.register_forward_pre_hook(lambda layer, _: seen.update({type(layer): _read()}))
    with products_in(tf32=False):
        exact = _read()
    with products_in(tf32=True):
        quick = _read()
        net(torch.zeros(1, 3, 8, 8))
        assert _read() == quick != exact
    others = dict.fromkeys((nn.Sequential, nn.Conv2d, nn.AdaptiveAvgPool2d, nn.Flatten, Single), quick)
    assert seen == {**others, nn.Linear: exact}


@pytest.mark.parametrize("whole", [False, True])
def test_squares_beyond_float16_are_computed_in_float32(whole):
    """Activations of some hundreds, as pixels up to 255 give them, have squares beyond 65504."""
    net = net_of("vgg11-lrn")
    with torch.no_grad():
        net.features[0].weight *= 100
        net.features[4].weight /= 100
    assert net.features[0](torch.full((1, 3, 9, 9), 2.0)).abs().max() > 256
    exact, half = (
        model_of(net, "vgg11-lrn", dtype, chosen()).posteriors(images(), whole) for dtype in ("fp32", "fp16")
    )
    assert (exact - half).abs().max() < 0.01
    assert exact.max() - exact.min() > 0.1


def overflowing(kind: str) -> nn.Module:
    """Nets whose scores are finite in float16 although something before them is not."""
    first = nn.Conv2d(3, 4, 8, 8, bias=False)
    nn.init.constant_(first.weight, -1e4 if kind == "rectified" else 1e4)
    middle: dict[str, nn.Module] = {"rectified": nn.ReLU(), "squashed": nn.Sigmoid(), "capped": nn.ReLU6()}
    return nn.Sequential(first, middle[kind], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)).eval()


@pytest.mark.parametrize("kind", ["rectified", "squashed", "capped"])
def test_an_overflow_that_comes_out_finite_is_an_error(kind):
    net = overflowing(kind)
    batch = torch.full((1, 3, 16, 16), 1.0)
    with torch.inference_mode():
        assert net.half()(batch.half()).isfinite().all()
        with pytest.raises(Float16OverflowError, match=r"^0$"):
            watched(net, lambda: net(batch.half()))
    net = overflowing(kind)
    lenient, strict = (model_of(net, "nin", dtype, chosen()) for dtype in ("bf16", "fp16"))
    white = torch.full((1, 3, 16, 16), 255, dtype=torch.uint8)
    assert lenient.posteriors(white, whole=False).isfinite().all()
    for whole in (False, True):
        with pytest.raises(UserError, match=r"dtype 'fp16': nin overflows behind 0.*give --dtype bf16 or fp32"):
            strict.posteriors(white, whole)


def test_a_functional_overflow_is_noticed_behind_the_layer_before_it():
    """A residual sum is no layer of its own."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Conv2d(1, 1, 1)
            nn.init.constant_(self.body.weight, -1.0)

        def forward(self, maps: torch.Tensor) -> torch.Tensor:
            return nn.functional.relu(self.body(maps) - maps)

    net = Residual().half()
    maps = torch.full((1, 1, 2, 2), 6e4, dtype=torch.float16)
    with torch.inference_mode():
        assert (net(maps) == 0).all()
        with pytest.raises(Float16OverflowError, match=r"^body$"):
            watched(net, lambda: net(maps))
        assert torch.equal(watched(net, lambda: net(maps / 2)), net(maps / 2))


@pytest.mark.parametrize("dtype", ["fp32", *LOWER])
def test_forms_are_made_within_inference_and_outside(dtype):
    """Posteriors of crops ask for a net while torch is told that nothing learns; a dense net may be asked for later."""
    model = model_of(net_of("squeezenet1_1").requires_grad_(), "squeezenet1_1", dtype, chosen())
    own = model.posteriors(images(1), whole=False)
    assert model.dense_net is not model.crop_net
    assert torch.allclose(own, model.posteriors(images(1), whole=True), atol=0.01)


def test_memory_without_values_yet_is_no_overflow():
    """Crops of a grid are put together in new memory, whose old content may be anything; here it is NaN."""
    model, image = model_of(net_of("vgg11"), "vgg11", "fp16"), images(1, 256)[0]
    crops = torch.stack([image[:, y : y + 224, :224] for y in (0, 32)])
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.empty(1, dtype=torch.float16).isnan()
        of_grid = model.posteriors_of_grid(image, [0, 32], [0])[0]
        assert torch.allclose(of_grid, model.posteriors(crops, whole=False), atol=0.01)
        for make in (torch.empty, torch.Tensor(1).half().new_empty):
            watched(nn.Identity(), lambda make=make: make(3, dtype=torch.float16).zero_())
    finally:
        torch.use_deterministic_algorithms(False)


def test_weights_beyond_float16_are_an_error():
    """An infinite variance makes zeros of all that is divided by it; one that is folded in float32 divides nothing."""
    convolution, norm = nn.Conv2d(3, 3, 8, 8), nn.BatchNorm2d(3)
    norm.running_var.fill_(1e5)
    end = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 5))
    before = nn.Sequential(norm, convolution, *end).eval()
    with pytest.raises(UserError, match=r"it's 0.running_var has values beyond its largest, 65504"):
        _ = model_of(before, "it", "fp16").crop_net
    _ = model_of(before, "it", "bf16").crop_net
    behind = nn.Sequential(convolution, norm, *end).eval()
    half, exact = (model_of(behind, "it", dtype).posteriors(images(), whole=False) for dtype in ("fp16", "fp32"))
    assert (half - exact).abs().max() < 1e-3


def test_a_net_that_does_not_fit_is_named_with_torchs_words(monkeypatch):
    def lacking(*_: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr("bench.nets.ready.copy_with", lacking)
    with pytest.raises(UserError, match=r"model 'nin' does not fit into memory \(CUDA error: out of memory\); free"):
        _ = model_of(net_of("nin"), "nin", "fp32").crop_net
    with pytest.raises(ZeroDivisionError), enough_memory("x", "y"):
        _ = 1 / 0
