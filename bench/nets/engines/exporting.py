"""Nets as graphs in ONNX's format, which every runtime of this folder reads.

Torch's older exporter follows one run of the net. It takes a tenth of a second where the newer one takes up to ten,
and leaves sizes open that the newer one, by torch.export, holds for fixed.
"""

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch
from torch import nn

OPSET = 17
_one_at_a_time = Lock()  # what the exporter follows is the process's


def onnx_graph(net: nn.Module, images: torch.Tensor, open_sizes: bool) -> bytes:
    """What a net does to such images (N, C, H, W) for any N; with `open_sizes` for any H and W, too.

    It lies in memory, weights and all. Raises whatever torch says of nets that it cannot export.
    """
    axes = {0: "count", 2: "height", 3: "width"} if open_sizes else {0: "count"}
    file: Any = io.BytesIO()  # which torch takes, whatever it says
    with _one_at_a_time, warnings.catch_warnings(), _without_output(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (images,),
            file,
            input_names=["images"],
            output_names=["scores"],
            dynamic_axes={"images": axes},
            opset_version=OPSET,
            dynamo=False,
        )
    return file.getvalue()


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
