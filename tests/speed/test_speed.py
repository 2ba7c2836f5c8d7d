import json
import time

import pytest
import torch

from bench.nets import compiled as module
from bench.nets.flops import net_flops
from bench.speed import throughput
from bench.speed.__main__ import main
from bench.speed.protocols import Netless
from bench.speed.stopwatch import percentile, repeated, spread_of
from bench.speed.throughput import Sweep, net_speeds

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "gigaflop"),
    [("vgg16", 30.9), ("vgg19", 39.3), ("resnet50", 8.2)],  # twice the published 15.5, 19.6 and 4.1 G multiply-adds
)
def test_flops_are_true_flops(name, gigaflop):
    assert net_flops(name, 1) / 1e9 == pytest.approx(gigaflop, rel=0.01)


def test_quartiles_and_percentiles_of_known_times():
    times = [float(k) for k in range(101)]
    assert spread_of(times) == (25, 50, 75)
    assert percentile(times, 99) == pytest.approx(99)


def test_work_is_repeated_after_warming_up_as_long_as_asked():
    calls = []
    times = repeated(lambda: calls.append(0), CPU, seconds=0, fewest=7)
    assert (len(times), len(calls)) == (7, 9)
    assert sum(repeated(lambda: time.sleep(0.001), CPU, seconds=0.05)) >= 0.05


def speeds(largest: int, smallest: int = 1) -> list[dict]:
    return list(
        net_speeds(Sweep("vgg11", 1 / 32, ["fp32"], ["nchw", "nhwc"], ["eager", "quick"], smallest, largest, 0.01, CPU))
    )


def test_every_setting_is_measured_at_doubled_batches():
    records = speeds(4)
    assert [(each["layout"], each["mode"], each["batch"]) for each in records] == [
        (a, b, c) for a in ("nchw", "nhwc") for b in ("eager", "quick") for c in (1, 2, 4)
    ]
    for each in records:
        assert each["ms_low"] <= each["ms"] <= each["ms_high"]
        assert each["images_per_second"] == pytest.approx(1e3 * each["batch"] / each["ms"])
        assert each["share_of_peak"] == pytest.approx(each["TFLOP_per_second"] / each["peak_TFLOP_per_second"])
        assert each["peak_MiB"] > 50  # torch alone takes more
        assert ("p99_ms" in each) == (each["batch"] == 1)


def test_a_sweep_may_begin_with_a_larger_batch():
    assert {each["batch"] for each in speeds(8, smallest=4)} == {4, 8}


def test_the_sweep_ends_where_memory_does(monkeypatch):
    def tight(work, device, seconds, fewest=5):
        tight.calls += 1
        if tight.calls in (4, 7):  # the first is the matrix product, then three batches of each layout
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [0.1] * fewest

    tight.calls = 0
    monkeypatch.setattr(throughput, "repeated", tight)
    assert [each["batch"] for each in speeds(64)][:4] == [1, 2, 1, 2]


def test_a_net_that_does_not_fit_is_named(monkeypatch, capsys, tmp_path):
    def lacking(*_: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(throughput, "random_net", lacking)
    assert main(f"--model vgg11 --width 0.03125 --seconds 0.01 --out {tmp_path}".split()) == 2
    assert "model 'vgg11' does not fit into memory (CUDA error: out of memory)" in capsys.readouterr().err


def test_the_command_writes_markdown_and_json(tmp_path, capsys):
    words = f"--model vgg11 --width 0.03125 --largest 2 --layouts nhwc --seconds 0.01 --out {tmp_path}"
    assert main(words.split()) == 0
    written = json.loads((tmp_path / "speed.json").read_text())
    assert len(written["records"]) == 2
    assert {"machine", "driver", "torch", "torchvision", "commit", "device"} <= written["about"].keys()
    assert capsys.readouterr().out.strip() in (tmp_path / "speed.md").read_text()


def test_a_protocol_end_to_end(weights, photographs, tmp_path):
    words = (
        f"--weights {weights} --data list:{photographs} --protocol dense@256,multicrop@256 --limit 3 --out {tmp_path}"
    )
    assert main(words.split()) == 0
    records = json.loads((tmp_path / "speed.json").read_text())["records"]
    assert [each["protocol"] for each in records] == ["dense@256", "multicrop@256"]
    for each in records:
        assert each["images_per_second"] > 0
        shares = [each[f"{stage}_share"] for stage in ("decode", "rescale", "views", "net", "fuse")]
        assert sum(shares) == pytest.approx(1)
        assert each["net_share"] > each["fuse_share"]
        assert {"Conv2d 3x3", "PairwiseMax", "ReLU"} <= each["layers_ms"].keys()
        assert ("Positions 7x7" in each["layers_ms"]) == each["protocol"].startswith("dense")
        assert all(ms > 0 for ms in each["layers_ms"].values())


def test_cutting_makes_no_forms_of_a_net(weights, photographs, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(Netless, "crop_net", property(lambda _: made.append("a form")))
    words = f"--weights {weights} --data list:{photographs} --protocol multicrop@256 --limit 1 --out {tmp_path}"
    assert main(words.split()) == 0
    assert made == []


def test_a_grid_is_measured_with_shared_features_and_without(weights, photographs, tmp_path):
    words = f"--weights {weights} --data list:{photographs} --protocol multicrop@256 --limit 1 --sharing on,off"
    assert main([*words.split(), "--out", str(tmp_path)]) == 0
    records = json.loads((tmp_path / "speed.json").read_text())["records"]
    assert [each["sharing"] for each in records] == ["on", "off"]


@pytest.mark.parametrize("more", ["--largest 2", "--protocol centre@256 --limit 2"])
def test_a_runtime_is_measured_in_torchs_place(more, weights, photographs, tmp_path):
    pytest.importorskip("onnxruntime")
    words = f"--model vgg16 --width 0.03125 --seconds 0.01 --weights {weights} --data list:{photographs}"
    assert main([*words.split(), *more.split(), "--engine", "onnxruntime", "--out", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "speed.json").read_text())
    assert written["about"]["engine"].startswith("onnxruntime ")
    assert all(each["images_per_second"] > 0 for each in written["records"])
    if "protocol" in more:
        assert [each["engine"] for each in written["records"]] == [written["about"]["engine"]]
    else:
        assert [(each["layout"], each["mode"], each["batch"]) for each in written["records"]] == [
            ("nchw", "onnxruntime", 1),
            ("nchw", "onnxruntime", 2),
        ]


@pytest.fixture
def compiled(monkeypatch):
    """Without the machine's own code, which takes a compiler half a minute."""
    monkeypatch.setattr(module, "BACKEND", "eager")
    torch._dynamo.reset()


def test_a_protocol_is_measured_compiled_and_not(weights, photographs, tmp_path, compiled):
    words = f"--weights {weights} --data list:{photographs} --protocol centre@256 --limit 2 --compile on,off"
    assert main([*words.split(), "--out", str(tmp_path)]) == 0
    records = json.loads((tmp_path / "speed.json").read_text())["records"]
    assert [(each["compiled"], bool(each["layers_ms"])) for each in records] == [("on", False), ("off", True)]


def test_a_net_is_measured_as_it_is_compiled(compiled, capsys):
    sweep = Sweep("vgg11_bn", 1 / 32, ["fp32", "fp16"], ["nhwc"], ["compiled"], 1, 2, 0.01, CPU)
    assert [(each["dtype"], each["batch"]) for each in net_speeds(sweep)] == [("fp32", 1), ("fp32", 2)]
    assert "vgg11_bn in fp16 is not compiled: fp16 is watched layer by layer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "mistake",
    [
        "--dtypes fp8",
        "--layouts x",
        "--modes fast",
        "--smallest 4 --largest 2",
        "--model vgg61",
        "--device tpu",
        "--protocol dense --sharing x",
        "--engine onnxruntime --modes quick",
        "--engine onnxruntime --protocol dense --sharing on,off",
        "--protocol dense --compile x",
        "--compile on",
        "--sharing off",
        "--device cpu --dtypes fp32,tf32",
    ],
)
def test_mistakes_end_with_one_line(mistake, tmp_path, capsys):
    assert main([*mistake.split(), "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("bench.speed: error: ")
