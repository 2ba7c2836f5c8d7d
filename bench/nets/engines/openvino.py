"""OpenVINO, on a CPU."""

from functools import cache
from queue import LifoQueue
from typing import Any

import torch

from bench.extras import needed
from bench.nets.engines.exporting import Graph
from bench.nets.engines.runtime import Compute
from bench.nets.torch_settings import threads


class OpenVino:
    """A stream for each call at once; they share its weights."""

    device = "cpu"

    def version(self) -> str:
        needed("onnx", "openvino")  # torch exports with its help
        return needed("openvino", "openvino").__version__.partition("-")[0]

    def opened(self, graph: Graph, device: torch.device, at_once: int) -> Compute:
        library, core = needed("openvino", "openvino"), _core()
        model = core.read_model(graph.layers)
        for each in model.get_parameters():
            if (values := graph.weights.get(each.friendly_name)) is not None:
                constant = library.op.Constant(values, shared_memory=True)
                for taker in each.output(0).get_target_inputs():
                    taker.replace_source_output(constant.output(0))
                model.remove_parameter(each)
        compiled = core.compile_model(model, "CPU", _settings(at_once))
        idle: LifoQueue[Any] = LifoQueue()
        for _ in range(at_once):
            idle.put(compiled.create_infer_request())

        def compute(images: torch.Tensor, _held: object = graph.weights) -> torch.Tensor:
            request = idle.get()
            try:
                return torch.from_numpy(request.infer([images.numpy()], share_inputs=True)[0])
            finally:
                idle.put(request)

        return compute


@cache
def _core() -> Any:
    """One for the whole process: the end of the last takes the stack with it on which signals are handled."""
    return needed("openvino", "openvino").Core()


def _settings(at_once: int) -> dict[str, Any]:
    """So many streams, on any cores; without the hint, processors that have bfloat16 would compute in it."""
    return {
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": at_once,
        "INFERENCE_NUM_THREADS": max(threads(), at_once),
        "ENABLE_CPU_PINNING": False,
    }
