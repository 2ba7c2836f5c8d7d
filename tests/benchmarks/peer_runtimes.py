"""What people run a net with on a CPU: torch as it is, channels last or compiled, ONNX Runtime, OpenVINO.

Each is set up for inference in float32 with torch's number of threads, in the simple way that was fastest here. What a
runtime makes for images of one shape is made when they first come, and kept.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

Run = Callable[[torch.Tensor], torch.Tensor]  # images (N, 3, H, W) -> scores (N, K)


def as_it_is(net: nn.Module) -> Run:
    return net


def channels_last(net: nn.Module) -> Run:
    last = net.to(memory_format=torch.channels_last)
    return lambda images: last(images.contiguous(memory_format=torch.channels_last))


def compiled(net: nn.Module) -> Run:
    """A frozen graph for every shape, channels last."""
    from torch import _dynamo, _inductor

    _inductor.config.freezing = True
    _dynamo.config.cache_size_limit = 1000  # shapes
    compiled_net = torch.compile(net.to(memory_format=torch.channels_last), dynamic=False)
    return lambda images: compiled_net(images.contiguous(memory_format=torch.channels_last))


def onnxruntime(net: nn.Module) -> Run:
    """A session for every shape, which is a few percent faster than one for all."""
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    sessions: dict[torch.Size, runtime.InferenceSession] = {}

    def made(images: torch.Tensor) -> runtime.InferenceSession:
        with tempfile.TemporaryDirectory() as folder:
            file = str(Path(folder, "net.onnx"))
            torch.onnx.export(net, (images.clone(),), file, input_names=["images"], dynamo=True, verbose=False)
            return runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(images: torch.Tensor) -> torch.Tensor:
        if images.shape not in sessions:
            sessions[images.shape] = made(images)
        return torch.from_numpy(sessions[images.shape].run(None, {"images": images.numpy()})[0])

    return run


def openvino(net: nn.Module) -> Run:
    """One model for images of all shapes, which is as fast as one for each."""
    import openvino as runtime

    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    model = runtime.convert_model(net, example_input=torch.zeros(1, 3, 224, 224), input=[-1, 3, -1, -1])
    core = runtime.Core()
    made = core.compile_model(model, "CPU", settings)
    CORES.append(core)
    return lambda images: torch.from_numpy(made(images.numpy())[0])


CORES: list = []  # the end of the last one takes the stack with it on which signals are handled
RUNTIMES: dict[str, Callable[[nn.Module], Run]] = {
    "torch": as_it_is,
    "channels-last": channels_last,
    "compile": compiled,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
}
