"""Caffe's `.caffemodel`, of the older messages (`layers`, Oxford's) and the newer (`layer`)."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.errors import UserError
from bench.extras import needed
from bench.images.labels.imagenet_names import wnids
from bench.images.pixels import NAMED
from bench.nets.formats.by_order import Layer, in_order, under_own_names
from bench.nets.state_dicts import plain_state
from bench.nets.weights import Weights
from protocols.scales import TrainingScale

OXFORD = {"VGG_ILSVRC_16_layers": "vgg16", "VGG_ILSVRC_19_layers": "vgg19"}  # trained at S [256; 512], section 4
OXFORD_S = TrainingScale(256, 512)
OLD_TYPES = {4: "Convolution", 14: "InnerProduct", 15: "LRN", 17: "Pooling", 39: "Deconvolution"}  # by number
READ = ("Convolution", "InnerProduct")
BEHIND_NAME = (b"\x12", b"\x1a", b"\x20", b"\x28", b"\x32", b"\x38", b"\x42", b"\xa2\x06")  # tags of a net's fields
LONGEST_NAME = 127  # characters, of a net's name
IMAGENET, WITH_BACKGROUND = 1000, 1001
MOST_LAYERS = 10_000

SIZES = ("num", "channels", "height", "width")  # of a blob in older files
# message: field: (number, type), of caffe.proto; "bytes" keeps unread what is read later
MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Net": {"name": (1, "bytes"), "layers": (2, "Old[]"), "layer": (100, "New[]")},
    "Old": {"name": (4, "bytes"), "type": (5, "int32"), "blobs": (6, "bytes[]"), "nested": (1, "bytes")},
    "New": {"name": (1, "bytes"), "type": (2, "bytes"), "blobs": (7, "bytes[]")},
    "Blob": {
        **{size: (k, "int64") for k, size in enumerate(SIZES, 1)},
        "shape": (7, "Shape"),
        "data": (5, "bytes"),
        "double": (8, "bytes"),
    },
    "Loose": {"data": (5, "float[]"), "double": (8, "double[]")},
    "Shape": {"dim": (1, "int64[]")},
}


def is_caffe(path: Path) -> bool:
    """Whether a file begins as a net's message does: its name, and another of its fields."""
    with path.open("rb") as file:
        begin = file.read(LONGEST_NAME + 4)
    if len(begin) < 2 or begin[0] != 0x0A or not 0 < begin[1] <= LONGEST_NAME:
        return False
    name, behind = begin[2 : 2 + begin[1]], begin[2 + begin[1] :]
    return name.isascii() and name.decode().isprintable() and behind.startswith(BEHIND_NAME)


def read_caffe(spec: str, path: Path, model: str | None, key: str | None) -> Weights:
    """The convolutions and inner products of a net, in a net's names where it is known. Raises UserError."""
    messages = _messages()
    if key is not None:
        raise UserError(f"weights '{spec}': a .caffemodel holds one net; leave --weights-key out")
    try:
        net = messages["Net"].FromString(path.read_bytes())
    except Exception as error:  # a broken file may raise anything
        why = " ".join(str(error).split())[:100]
        raise UserError(f"weights '{spec}': no readable .caffemodel ({why or 'cut or altered'})") from None
    layers = _layers(spec, net)
    own = next((each for each in OXFORD if each in (net.name.decode("utf-8", "replace"), path.stem)), None)
    count, channels = len(layers[-1].weight), layers[0].weight.shape[1]
    known = OXFORD.get(own or "")
    oxfords = known and count == IMAGENET  # nets made of it for other classes keep its name
    model = known or model
    _check_kind(spec, model, net)
    state, width = in_order(spec, model, layers) if model else (under_own_names(layers), 1)
    return Weights(
        source=spec,
        state=plain_state(spec, state),
        model=known,
        width=width,
        S=OXFORD_S if oxfords else None,
        pixels=NAMED["caffe"] if channels == NAMED["caffe"].channels else None,
        classes=wnids() if oxfords else None,
        background=0 if count == WITH_BACKGROUND else None,
    )


def _layers(spec: str, net: Any) -> list[Layer]:
    """The layers that have weights. Raises UserError."""
    found = []
    for kind, each in _kinds(spec, net):
        if not each.blobs:
            continue
        name = each.name.decode("utf-8", "replace")[:100]
        if kind not in READ:
            raise UserError(
                f"weights '{spec}': {name} is of kind {kind} and has weights; nets of convolutions and inner products "
                "alone are read"
            )
        weight, *rest = (_blob(spec, name, blob) for blob in each.blobs[:2])
        if weight.ndim == 4 and kind == "InnerProduct":  # (1, 1, out, in), as older files have it
            weight = weight.reshape(weight.shape[2:])
        if weight.ndim not in (2, 4):
            raise UserError(f"weights '{spec}': {name} has {weight.ndim} dimensions; such layers are not read")
        found.append(Layer(name, weight, rest[0].flatten() if rest else None))
    if not found:
        raise UserError(f"weights '{spec}': no layer in it has weights; give a .caffemodel, not a .prototxt or a mean")
    return found


def _kinds(spec: str, net: Any) -> list[tuple[str, Any]]:
    """Every layer with its kind, in order. Raises UserError."""
    if len(net.layers) + len(net.layer) > MOST_LAYERS:
        raise UserError(f"weights '{spec}': {len(net.layers) + len(net.layer)} layers; no net has as many")
    if any(each.HasField("nested") for each in net.layers):
        raise UserError(
            f"weights '{spec}': a .caffemodel of before 2014; write it anew by Caffe's upgrade_net_proto_binary"
        )
    old = [(OLD_TYPES.get(each.type, f"number {each.type}"), each) for each in net.layers]
    return old + [(each.type.decode("utf-8", "replace")[:50], each) for each in net.layer]


def _check_kind(spec: str, model: str | None, net: Any) -> None:
    """Raise UserError for nets of the same shapes that compute something else."""
    order = [kind for kind, _ in _kinds(spec, net) if kind in ("LRN", "Pooling")]
    if model == "caffenet" and order[:1] == ["LRN"]:
        raise UserError(f"weights '{spec}': it normalises before it pools, as Caffe's AlexNet; caffenet pools first")
    if model == "alexnet" and "LRN" in order:
        raise UserError(
            f"weights '{spec}': torchvision's alexnet has no normalisation and no groups; give --model caffenet"
        )


def _blob(spec: str, name: str, content: bytes) -> torch.Tensor:
    """A blob's values in its shape, float32. Raises UserError where the two disagree."""
    messages = _messages()
    try:
        blob = messages["Blob"].FromString(content)
        sizes = list(blob.shape.dim) if blob.HasField("shape") else [getattr(blob, size) for size in SIZES]
        values = np.frombuffer(blob.double or blob.data, np.float64 if blob.double else np.float32)
        if values.size != np.prod(sizes, dtype=object):  # written value by value, or in several runs
            loose = messages["Loose"].FromString(content)
            values = np.array(loose.double or loose.data, np.float64)
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': {name} cannot be read ({' '.join(str(error).split())[:100]})") from None
    if min(sizes, default=0) < 1 or values.size != np.prod(sizes, dtype=object):
        raise UserError(
            f"weights '{spec}': {name} has {values.size} values in a shape of {'x'.join(map(str, sizes[:8]))}"
        )
    return torch.from_numpy(values.astype(np.float32)).reshape(sizes)


@cache
def _messages() -> dict[str, Any]:
    """The classes of MESSAGES. Raises UserError where protobuf is not installed."""
    needed("google.protobuf", "caffe")
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field_of = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="bench_caffe.proto", package="bench_caffe", syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label = field_of.LABEL_REPEATED if kind.endswith("[]") else field_of.LABEL_OPTIONAL
            kind = kind.removesuffix("[]")
            if kind in MESSAGES:
                message.field.add(name=field, number=number, label=label, type=field_of.TYPE_MESSAGE,
                                  type_name=f".bench_caffe.{kind}")  # fmt: skip
            else:
                message.field.add(
                    name=field, number=number, label=label, type=getattr(field_of, f"TYPE_{kind.upper()}")
                )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"bench_caffe.{name}")) for name in MESSAGES
    }
