"""TensorRT, on a CUDA device. No machine has run it yet: selection and refusals are tested with stand-ins.

By ONNX Runtime's TensorRT provider, which takes the graph that the other runtimes take. torch_tensorrt is made for one
version of torch each, and needs torch.export, which holds sizes of dense forms for fixed.
"""

import os

import numpy as np
import torch

from bench.errors import UserError
from bench.extras import needed
from bench.nets.engines.exporting import Graph
from bench.nets.engines.runtime import Compute

OURS, BESIDE = "TensorrtExecutionProvider", "CUDAExecutionProvider"  # the second for what the first does not know
TF32 = "NVIDIA_TF32_OVERRIDE"  # the one way to have ONNX Runtime's TensorRT in float32; read when a process starts


class TensorRt:
    """An engine is built for the sizes that it sees, anew where others come: for crops, and dense forms of few."""

    device = "cuda"

    def version(self) -> str:
        needed("onnx", "tensorrt")  # torch exports with its help
        library, own = needed("onnxruntime", "tensorrt"), needed("tensorrt", "tensorrt")  # which loads what it needs
        if OURS not in library.get_available_providers():
            raise UserError(
                "engine 'tensorrt': the installed onnxruntime is without it; pip uninstall onnxruntime, then "
                "pip install 'vgg-protocols[tensorrt]'"
            )
        if os.environ.get(TF32) != "0":
            raise UserError(f"engine 'tensorrt': it would compute fp32 in TF32; set {TF32}=0 before the command")
        return f"{own.__version__} in onnxruntime {library.__version__}"

    def opened(self, graph: Graph, device: torch.device, at_once: int) -> Compute:
        library, index = needed("onnxruntime", "tensorrt"), device.index or 0
        where = {"device_id": str(index)}
        session = library.InferenceSession(graph.weighted(elsewhere=False), providers=[(OURS, where), (BESIDE, where)])
        if session.get_providers()[0] != OURS:  # it goes on without those that cannot be loaded
            raise UserError("engine 'tensorrt': its libraries cannot be loaded; mend them, or give --engine torch")

        def compute(images: torch.Tensor) -> torch.Tensor:
            torch.cuda.current_stream(device).synchronize()  # the runtime has a stream of its own
            binding = session.io_binding()
            binding.bind_input("images", "cuda", index, np.float32, tuple(images.shape), images.data_ptr())
            binding.bind_output("scores", "cpu")
            session.run_with_iobinding(binding)
            return torch.from_numpy(binding.copy_outputs_to_cpu()[0])

        return compute
