"""Nets as graphs in ONNX's format, which every runtime of this folder reads.

Torch's older exporter follows one run of the net. It takes a tenth of a second where the newer one takes up to ten,
and leaves sizes open that the newer one, by torch.export, holds for fixed.
"""

import io
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.extras import needed
from bench.nets.tracing import exported, traced

OPSET = 17
_one_at_a_time = Lock()  # what the exporter follows is the process's


@dataclass(frozen=True)
class Graph:
    """What a net does in ONNX's format, whose inputs are the images and its weights; and these, which are the net's."""

    layers: bytes
    weights: Mapping[str, np.ndarray]

    def weighted(self, elsewhere: bool) -> bytes:
        """The graph of the images alone, with its weights in it, or only their names and shapes."""
        model = needed("onnx", "onnxruntime").load_model_from_string(self.layers)
        inputs = [each for each in model.graph.input if each.name not in self.weights]
        del model.graph.input[:]
        model.graph.input.extend(inputs)
        for name, values in self.weights.items():
            kind = needed("onnx.helper", "onnxruntime").np_dtype_to_tensor_dtype(values.dtype)
            tensor = model.graph.initializer.add(name=name, data_type=kind, dims=values.shape)
            if elsewhere:
                tensor.data_location = tensor.EXTERNAL
                for key, value in (("location", "torch"), ("offset", "0"), ("length", str(values.nbytes))):
                    tensor.external_data.add(key=key, value=value)
            else:
                tensor.raw_data = values.tobytes()
        return model.SerializeToString()


def onnx_graph(net: nn.Module, images: torch.Tensor, open_sizes: bool) -> Graph:
    """What a net does to such images (N, C, H, W) for any N; with `open_sizes` for any H and W, too.

    Raises whatever torch says of nets that it cannot export, and RuntimeError for one that decides by what images show.
    """
    axes = {0: "count", 2: "height", 3: "width"} if open_sizes else {0: "count"}
    file: Any = io.BytesIO()  # which torch takes, whatever it says
    with _one_at_a_time, warnings.catch_warnings(record=True) as warned, _without_output(), torch.no_grad():
        warnings.simplefilter("always")
        torch.onnx.export(
            net,
            (images,),
            file,
            input_names=["images"],
            output_names=["scores"],
            dynamic_axes={"images": axes},
            opset_version=OPSET,
            export_params=False,
            do_constant_folding=False,
            dynamo=False,
        )
    if any("to a Python boolean" in str(each.message) for each in warned) and _decides_by_images(net, images):
        raise RuntimeError("its Python decides by what images show, and a graph would have one of the ways")
    inputs = {each.name for each in needed("onnx", "onnxruntime").load_model_from_string(file.getvalue()).graph.input}
    state = {name: each for name, each in net.state_dict().items() if name in inputs}
    return Graph(file.getvalue(), {name: each.detach().contiguous().numpy() for name, each in state.items()})


def _decides_by_images(net: nn.Module, images: torch.Tensor) -> bool:
    """Whether its Python asks for more than sizes, which torch's other ways to follow a net can tell apart."""
    for follow in (lambda: traced(net), lambda: exported(net, images)):
        with suppress(Exception):  # of any kind
            follow()
            return False
    return True


@contextmanager
def _without_output() -> Iterator[None]:
    """The whole graph of a net that cannot be exported is printed, and not by Python."""
    sys.stdout.flush()
    try:
        before = os.dup(1)
    except OSError:  # there is none
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)
