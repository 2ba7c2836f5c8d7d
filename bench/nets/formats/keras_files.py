"""Weights that Keras writes: `.h5`, `.weights.h5` and `.keras`, of nets of keras.applications."""

import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from bench.errors import UserError
from bench.nets.formats.channels_last import Arrays, Layer, weights_of
from bench.nets.formats.contents import members
from bench.nets.formats.hdf5_files import Contents, is_hdf5, read_hdf5
from bench.nets.formats.keras_config import refuse_other_layers
from bench.nets.formats.keras_layers import LAYERS, PIXELS, TITLES
from bench.nets.weights import Weights

SUFFIXES = (".h5", ".hdf5", ".keras")
MEMBER = "model.weights.h5"  # of a `.keras`
CONFIG = "config.json"  # beside it
WHOLE_CONFIG = "", "model_config"  # the same in an `.h5` of a whole net
SAID = ("name", "model_config")  # attributes: what a layer is called, in newer files
STATES = ("optimizer", "optimizer_weights", "metrics", "compile_metrics", "seed_generator")  # beside the layers
WHOLE = "model_weights/"  # of an `.h5` that holds optimiser and layers
NUMBERED = re.compile(r"(?:layers|_layer_checkpoint_dependencies)/([^/]+)/vars/(\d+)")  # in Keras 3
NAMED_LAYER = re.compile(r"([^/]+)/(?:.*/)?([^/]+)")  # before
COUNTED = re.compile(r"(depthwise_conv2d|conv2d|batch_normalization|dense)(?:_(\d+))?")  # names by class and number
CLASSES = {"conv2d": ("conv",), "depthwise_conv2d": ("depthwise",), "batch_normalization": ("norm",)}
LINEAR = ("flat", "dense")
IN_ORDER = {  # in which Keras 3 numbers a layer's tensors, by the sides of the first
    1: ("gamma", "beta", "moving_mean", "moving_variance"),
    2: ("kernel", "bias"),
    4: ("kernel", "bias"),
}
ROLE = re.compile(r"(kernel|gamma|beta|moving_mean|moving_variance|bias|_W|_b)(?:_\d+)?(?::\d+)?$")
OLD_ROLES = {"_W": "kernel", "_b": "bias"}


def is_keras(path: Path) -> bool:
    """Whether a file is Keras's by its contents: one of HDF5, or an archive with one in it."""
    return is_hdf5(path) or MEMBER in members(path)


def read_keras(spec: str, path: Path, model: str | None, key: str | None) -> Weights:
    """The weights of one of the nets in LAYERS, which is found by its layers' names and number. Raises UserError."""
    if key is not None:
        raise UserError(f"--weights-key {key}: '{spec}' holds one net; leave it out")
    size, inside = path.stat().st_size, members(path)
    source = BytesIO(_member(spec, path, MEMBER)) if MEMBER in inside else path
    contents = read_hdf5(spec, source, size, SAID, without=STATES)
    net, placed = _net_of(spec, _layers_in(spec, contents))
    config = (
        _member(spec, path, CONFIG).decode(errors="replace") if CONFIG in inside else contents.said.get(WHOLE_CONFIG)
    )
    if config is not None:
        refuse_other_layers(spec, net, config)
    return weights_of(spec, net, LAYERS[net], placed, PIXELS[net], size)


def _member(spec: str, path: Path, name: str) -> bytes:
    """What an archive has under a name. Raises UserError where it would unpack to more than the archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            about = archive.getinfo(name)
            if about.file_size > path.stat().st_size:  # Keras stores them as they are
                raise UserError(f"weights '{spec}': would unpack to {about.file_size} bytes; give a file of Keras")
            return archive.read(about)
    except UserError:
        raise
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': cannot be read ({' '.join(str(error).split())[:100]})") from None


def _layers_in(spec: str, contents: Contents) -> dict[str, Arrays]:
    """Tensors by their layer's name and by what they are; `name` attributes say what a layer is called."""
    layers: dict[str, Arrays] = {}
    numbered: dict[str, dict[int, str]] = {}
    for path in contents.tensors:
        if found := NUMBERED.fullmatch(path):
            numbered.setdefault(path.rpartition("/")[0], {})[int(found[2])] = path
        elif re.search(r"(^|/)vars/\d+$", path):
            raise UserError(f"weights '{spec}': {path} is in a net inside a layer; save that net on its own")
        elif (named := NAMED_LAYER.fullmatch(path.removeprefix(WHOLE))) and (role := ROLE.search(named[2])):
            arrays, what = layers.setdefault(named[1], {}), OLD_ROLES.get(role[1], role[1])
            if what in arrays:
                raise UserError(f"weights '{spec}': {named[1]} is a net inside a layer; save that net on its own")
            arrays[what] = contents.tensors[path]
        else:
            raise UserError(
                f"weights '{spec}': {path} is no tensor of a convolution, batch normalisation or dense layer"
            )
    for place, paths in numbered.items():
        tensors = [contents.tensors[paths[number]] for number in sorted(paths)]
        roles = IN_ORDER.get(tensors[0].ndim, ())
        if sorted(paths) != list(range(len(paths))) or len(paths) > len(roles):
            raise UserError(f"weights '{spec}': {place} does not hold the tensors of a layer")
        name = contents.said.get((place, "name"), place.split("/")[-2])
        if name in layers:
            raise UserError(f"weights '{spec}': two layers are called {name}")
        layers[name] = dict(zip(roles, tensors, strict=False))
    return layers


def _net_of(spec: str, found: Mapping[str, Arrays]) -> tuple[str, dict[str, Arrays]]:
    """The net that layers are all of, and they under its own names. Raises UserError."""
    for net, layers in LAYERS.items():
        if (names := _names(layers, list(found))) is not None:
            return net, {name: found[own] for name, own in names.items()}
    nets = ", ".join(TITLES.values())
    for net, layers in LAYERS.items():
        ends = [layer.name for layer in layers if layer.kind in LINEAR]
        body = [layer for layer in layers if layer.name not in ends]
        others = [name for name in found if _kinds(name) == LINEAR or name in ends]
        if _names(body, [name for name in found if name not in others]) is not None:
            what = f"{len(others)} fully-connected layers" if others else "no fully-connected layer (include_top=False)"
            raise UserError(f"weights '{spec}': {TITLES[net]} with {what}; give the whole net, with its {len(ends)}")
    some = ", ".join(list(found)[:3]) + (", ..." if len(found) > 3 else "")
    said = f"its {len(found)} layers are {some}" if found else "it has no layers"
    raise UserError(f"weights '{spec}': none of Keras's {nets}: {said}")


def _names(layers: list[Layer], found: list[str]) -> dict[str, str] | None:
    """For each of a net's layers what it is called in a file; None where the file's are not the net's.

    Those that are not called as the net's are its others in the order of their numbers.
    """
    own = {layer.name for layer in layers}
    names = {name: name for name in found if name in own}
    for kinds in (*CLASSES.values(), LINEAR):
        free = [layer.name for layer in layers if layer.kind in kinds and layer.name not in names]
        counted = sorted((name for name in found if name not in own and _kinds(name) == kinds), key=_number)
        if len(free) != len(counted):
            return None
        names |= zip(free, counted, strict=True)
    return names if len(names) == len(found) else None


def _kinds(name: str) -> tuple[str, ...] | None:
    """Which kinds of layers a name by class and number stands for."""
    counted = COUNTED.fullmatch(name)
    return CLASSES.get(counted[1], LINEAR) if counted else None


def _number(name: str) -> int:
    counted = COUNTED.fullmatch(name)
    return int((counted and counted[2]) or 0)
