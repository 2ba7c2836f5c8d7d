"""Devices and number formats: which are there, what they may compute in, and what keys say of them."""

import numpy as np
import pytest
import torch

from bench.engine.job import open_models
from bench.engine.keys import part_key
from bench.engine.request import Computation, Numbers
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.images.dataset import Images
from bench.nets.device import (
    COUNTS,
    Precision,
    chip,
    device_name,
    layout,
    pick_device,
    sharing_pays,
    synchronise,
)
from bench.nets.named import make_model
from bench.nets.out_of_memory import release
from bench.nets.reading import read_weights
from bench.provenance import multiplies_bf16
from protocols.protocol import Part

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """A machine with so many devices of each kind."""

    def machine(**counts: int) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: counts.get("cuda", 0))
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: bool(counts.get("mps")))
        monkeypatch.setattr(torch.xpu, "device_count", lambda: counts.get("xpu", 0))

    return machine


def test_auto_is_cuda_where_there_is_one_and_nothing_else(machine):
    machine(mps=1, xpu=2)
    assert pick_device("auto") == CPU
    machine(cuda=2)
    assert [str(pick_device("auto", worker)) for worker in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:1", "mps", "mps:0", "xpu", "xpu:1"])
def test_a_device_that_is_there_is_taken(machine, name):
    machine(cuda=2, mps=1, xpu=2)
    assert pick_device(name) == torch.device(name)


@pytest.mark.parametrize("name", ["cuda", "mps", "xpu"])
def test_a_device_that_is_not_there_gets_one_line(machine, name):
    machine()
    with pytest.raises(UserError, match=rf"^device '{name}': this machine has 0 .*; give cpu or auto$"):
        pick_device(name)
    machine(**{name: 1})
    with pytest.raises(UserError, match=f"device '{name}:1': this machine has 1 "):
        pick_device(f"{name}:1")


@pytest.mark.parametrize("name", ["tpu", "meta", "hpu", "cpu:x", ""])
def test_other_names_get_those_that_there_are(name):
    with pytest.raises(UserError, match="give auto, cpu, cuda, cuda:N, mps or xpu"):
        pick_device(name)


@pytest.mark.parametrize("kind", ["mps", "xpu"])
def test_apples_and_intels_gpus_compute_in_fp32_alone(kind):
    Precision("fp32").check(torch.device(kind))
    for name in ("bf16", "fp16", "tf32"):
        with pytest.raises(UserError, match=f"^dtype '{name}': .*{kind}.*give .*fp32"):
            Precision(name).check(torch.device(kind))


def test_keys_name_the_device_for_all_formats_but_fp32(monkeypatch):
    """Without its threads, which change no number, and without blanks, which separate a signature's words."""
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100 80GB HBM3")
    monkeypatch.setattr(torch.xpu, "get_device_name", lambda device: "Intel(R) Arc(TM) A770")
    cuda = torch.device("cuda:0")
    assert Precision("fp32").said(cuda) == Precision("fp32").said(CPU) == "fp32"
    assert Precision("tf32").said(cuda) == "tf32@NVIDIAH10080GBHBM3"
    assert Precision("bf16").said(CPU) == "bf16@" + "".join(chip(CPU).split())
    assert device_name(CPU) == f"{chip(CPU)}, {torch.get_num_threads()} threads"
    assert device_name(torch.device("xpu")) == "Intel(R) Arc(TM) A770"
    assert device_name(torch.device("mps")).endswith(" GPU")


@pytest.mark.parametrize(("dtype", "same"), [("fp32", True), ("bf16", False), ("fp16", False), ("tf32", False)])
def test_what_another_device_computed_is_not_taken_for_this_ones(weights, monkeypatch, dtype, same):
    cuda = torch.device("cuda:0")
    model = make_model("vgg16", read_weights(str(weights)), None, None, cuda, Precision(dtype), "scores")
    images = Images("x", (), (), np.zeros(0, int), None, 0)
    keys = []
    for name in ("NVIDIA A100", "NVIDIA H100"):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device, name=name: name)
        keys.append(part_key(model, Part("centre", 256), images))
    assert (keys[0] == keys[1]) == same


def test_apples_processors_are_called_by_their_names(monkeypatch):
    def run(command: list[str], **_: object) -> object:
        assert command[0] == "sysctl"
        return type("Done", (), {"stdout": "Apple M2\n"})

    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("bench.provenance.Path.read_text", lambda *_: (_ for _ in ()).throw(FileNotFoundError()))
    monkeypatch.setattr("subprocess.run", run)
    assert chip(CPU) == "Apple M2"
    assert chip(torch.device("mps")) == "Apple M2 GPU"


@pytest.mark.parametrize("kind", COUNTS)
def test_every_device_is_waited_for_and_relieved(monkeypatch, kind):
    called = []
    for name in ("cuda", "mps", "xpu"):
        module = getattr(torch, name)
        monkeypatch.setattr(module, "synchronize", lambda *_, name=name: called.append(("wait", name)))
        monkeypatch.setattr(module, "empty_cache", lambda name=name: called.append(("empty", name)))
    synchronise(torch.device(kind))
    release(torch.device(kind))
    assert called == ([] if kind == "cpu" else [("wait", kind), ("empty", kind)])


@pytest.mark.parametrize(
    ("kind", "dtype", "last"),
    [
        *(("cpu", "fp32", True), ("cpu", "bf16", True), ("mps", "fp32", True), ("xpu", "fp32", True)),
        *(("cuda", "fp32", False), ("cuda", "tf32", True), ("cuda", "bf16", True), ("cuda", "fp16", True)),
    ],
)
def test_channels_lie_first_where_a_gpu_computes_without_its_matrix_units(kind, dtype, last):
    order = torch.channels_last if last else torch.contiguous_format
    assert layout(torch.device(kind), Precision(dtype)) == order


def test_only_a_cpu_shares_early_features():
    assert [sharing_pays(torch.device(kind)) for kind in COUNTS] == [kind == "cpu" for kind in COUNTS]


@pytest.mark.parametrize(
    ("said", "units"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16\n", True),
        ("flags\t\t: fpu avx2 amx_bf16 amx_tile\n", True),
        ("Features\t: fp asimd bf16 i8mm\n", True),
        ("flags\t\t: fpu avx2 avx512f\n", False),
        ("", None),
    ],
)
def test_a_processor_without_units_for_bf16_is_told_from_one_that_does_not_say(monkeypatch, said, units):
    monkeypatch.setattr("bench.provenance.Path.read_text", lambda *_: said)
    assert multiplies_bf16() is units
    assert Precision("bf16").slow_on(CPU) == (units is False)
    assert not Precision("fp32").slow_on(CPU)
    assert not Precision("bf16").slow_on(torch.device("cuda"))


@pytest.mark.parametrize("units", [True, False, None])
def test_bf16_that_is_slower_than_fp32_is_said_in_one_line(monkeypatch, capsys, units):
    monkeypatch.setattr("bench.nets.device.multiplies_bf16", lambda: units)
    open_models((), Numbers("bf16"), Computation("cpu"), None, Shard.alone())
    err = capsys.readouterr().err
    assert ("this processor has no units for it" in err, len(err.splitlines())) == (units is False, int(units is False))
