"""ONNX Runtime, on a CPU."""

import torch

from bench.extras import needed
from bench.nets.engines.exporting import Graph
from bench.nets.engines.runtime import Compute
from bench.nets.torch_settings import threads


class OnnxRuntime:
    """A session takes several calls at once, each in the thread that makes it; they share its weights."""

    device = "cpu"

    def version(self) -> str:
        needed("onnx", "onnxruntime")  # torch exports with its help
        return needed("onnxruntime", "onnxruntime").__version__

    def opened(self, graph: Graph, device: torch.device, at_once: int) -> Compute:
        library = needed("onnxruntime", "onnxruntime")
        options = library.SessionOptions()
        options.log_severity_level = 4  # what fails is raised
        options.intra_op_num_threads = max(1, threads() // at_once)
        weights = {name: library.OrtValue.ortvalue_from_numpy(each) for name, each in graph.weights.items()}
        options.add_external_initializers(list(weights), list(weights.values()))
        given = graph.weighted(elsewhere=True)
        session = library.InferenceSession(given, options, providers=["CPUExecutionProvider"])

        def compute(images: torch.Tensor, _held: object = weights) -> torch.Tensor:
            return torch.from_numpy(session.run(None, {"images": images.numpy()})[0])

        return compute
