"""OpenVINO, on a CPU."""

from queue import LifoQueue
from typing import Any

import torch

from bench.extras import needed
from bench.nets.engines.runtime import Compute
from bench.nets.torch_settings import threads


class OpenVino:
    """A stream for each call at once; they share its weights."""

    device = "cpu"

    def version(self) -> str:
        needed("onnx", "openvino")  # torch exports with its help
        return needed("openvino", "openvino").__version__.partition("-")[0]

    def opened(self, graph: bytes, device: torch.device, at_once: int) -> Compute:
        library = needed("openvino", "openvino")
        core = library.Core()
        compiled = core.compile_model(core.read_model(graph), "CPU", _settings(at_once))
        idle: LifoQueue[Any] = LifoQueue()
        for _ in range(at_once):
            idle.put(compiled.create_infer_request())

        def compute(images: torch.Tensor) -> torch.Tensor:
            request = idle.get()
            try:
                return torch.from_numpy(request.infer([images.numpy()], share_inputs=True)[0])
            finally:
                idle.put(request)

        return compute


def _settings(at_once: int) -> dict[str, Any]:
    """So many streams, on any cores; without the hint, processors that have bfloat16 would compute in it."""
    return {
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": at_once,
        "INFERENCE_NUM_THREADS": max(threads(), at_once),
        "ENABLE_CPU_PINNING": False,
    }
