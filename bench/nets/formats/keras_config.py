"""What Keras's files say of a net beside its weights: layers that have none, and what its batch normalisations add."""

import json
from math import isclose
from typing import Any

from torch import nn

from bench.errors import UserError
from bench.nets import zoo

PLAIN = {  # layers of keras.applications' nets, and those that do nothing in evaluation
    *("InputLayer", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "Activation", "ReLU", "Softmax", "Dropout"),
    *("MaxPooling2D", "ZeroPadding2D", "GlobalAveragePooling2D", "Flatten", "Dense", "Add"),
}
AUGMENTING = "Random"  # how the names of layers begin that only training has


def refuse_other_layers(spec: str, net: str, config: str) -> None:
    """Raise UserError where a net's description, Keras's JSON, has what no tensor shows and our net has not."""
    try:
        layers = [(each["class_name"], each["config"]) for each in json.loads(config)["config"]["layers"]]
        epsilons = {float(said["epsilon"]) for kind, said in layers if kind == "BatchNormalization"}
        odd = [kind for kind, _ in layers if kind not in PLAIN and not kind.startswith(AUGMENTING)]
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise UserError(f"weights '{spec}': what it says of its net's layers cannot be read; save it anew") from None
    if odd:
        raise UserError(f"weights '{spec}': its net has a layer {odd[0]:.50}, which {net} has not; save it without")
    for epsilon in epsilons:
        if not isclose(epsilon, _epsilon(net), rel_tol=1e-4):
            raise UserError(
                f"weights '{spec}': its batch normalisations add {epsilon:g}, those of {net} {_epsilon(net):g}"
            )


def _epsilon(net: str) -> Any:
    norms = (layer for layer in zoo.build(net, 2).modules() if isinstance(layer, nn.BatchNorm2d))
    return next((layer.eps for layer in norms), 0)
