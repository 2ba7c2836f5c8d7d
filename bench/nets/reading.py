"""Weights from wherever they are: files, torchvision, and those that come with the package."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.imagenet_names import in_imagenets_order, wnids
from bench.nets import hub, published, zoo
from bench.nets.formats import caffe, frossard, keras_files, matconvnet
from bench.nets.formats.pickles import is_pickle, read_pickle
from bench.nets.formats.safetensors_files import is_safetensors, read_safetensors
from bench.nets.formats.shards import INDEX, is_index, read_shards
from bench.nets.formats.torchscript import is_torchscript, read_torchscript
from bench.nets.net_spec import is_made
from bench.nets.state_dicts import plain_state, refuse_foreign
from bench.nets.tensor_names import own_names
from bench.nets.weights import Weights, is_file
from bench.progress import downloading

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".pth.tar")  # of files that may come from here or torch

FOLDERS_INDEX = "model.safetensors.index.json"  # as the hub's libraries call it


class Format(NamedTuple):
    """A kind of files of weights: whether a file is one by its contents, and what is read of it.

    `read` takes the place as it was given, the file, the model where it is known and the key of `--weights-key`.
    `suffixes` are what such files are called, and decide where contents tell nothing, as of a file cut short.
    """

    suffixes: tuple[str, ...]
    recognise: Callable[[Path], bool]
    read: Callable[[str, Path, str | None, str | None], Weights]


FORMATS = (
    Format((".safetensors",), is_safetensors, read_safetensors),
    Format((".torchscript",), is_torchscript, read_torchscript),
    Format(SUFFIXES[1:], is_pickle, read_pickle),
    Format((INDEX,), is_index, read_shards),
    Format(keras_files.SUFFIXES, keras_files.is_keras, keras_files.read_keras),
    Format(frossard.SUFFIXES, frossard.is_frossard, frossard.read_frossard),
    Format((".caffemodel",), caffe.is_caffe, caffe.read_caffe),
    Format((".mat",), matconvnet.is_matlab, matconvnet.read_matconvnet),
)
ALL_SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)


def read_weights(spec: str, model: str | None = None, key: str | None = None) -> Weights:
    """Read `torchvision:NAME`, `builtin:NAME`, or a file of one of FORMATS, the hub's too: of it what is under `key`.

    Where the model is known, its tensors get its own names, if theirs stand for these. Raises UserError.
    """
    kind, _, name = spec.partition(":")
    if key is not None and not is_file(spec) and not hub.is_hub(spec):
        raise UserError(f"--weights-key {key}: '{spec}' holds one state dict; leave it out, or its place empty: KEY,")
    if kind == "torchvision":
        return _torchvision(spec, name, model)
    if kind == "builtin":
        if name not in builtin_names():
            near = get_close_matches(name, builtin_names(), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"weights '{spec}': the built-in ones are {', '.join(builtin_names())}{hint}")
        return read_safetensors(spec, builtin_folder() / f"{name}.safetensors", model, None)
    path, said = hub.fetch(spec) if hub.is_hub(spec) else (Path(spec), {})
    weights = _read_file(spec, path, model, key)
    if path.is_file() and (member := published.member_of(path)):
        said = _said(member)
    weights = replace(weights, **{name: each for name, each in said.items() if getattr(weights, name) is None})
    return replace(weights, state=own_names(zoo.names_of(model), weights.state)) if model else weights


def _read_file(spec: str, path: Path, model: str | None, key: str | None) -> Weights:
    """Weights of a file by its contents, else by its name; of a folder its index. Raises UserError."""
    if (path / FOLDERS_INDEX).is_file():
        path = path / FOLDERS_INDEX
    for each in FORMATS:
        if path.is_file() and each.recognise(path):
            return each.read(spec, path, model, key)
    refuse_foreign(spec, path, ALL_SUFFIXES)
    named = next(each for each in FORMATS if path.name.lower().endswith(each.suffixes))
    return named.read(spec, path, model, key)


def choose_weights(spec: str, model: str, images: Images | None) -> str:
    """What `auto` stands for: the built-in net for `shapes`, torchvision's for ImageNet's classes.

    Without a set of images to go by it is the built-in net; of nets that are made elsewhere, what they are made with.
    Raises UserError.
    """
    if spec != "auto" or is_made(model):
        return spec
    if images is None or images.name.startswith("shapes/"):
        builtin = {name: read_weights(f"builtin:{name}") for name in builtin_names()}
        mine = [name for name, weights in builtin.items() if weights.model == model]
        if not mine:
            raise UserError(f"weights 'auto': no built-in net for {model}; there are {', '.join(builtin_names())}")
        jittered = [name for name in mine if (S := builtin[name].S) and S.low < S.high]
        return f"builtin:{(jittered or mine)[0]}"
    from torchvision import models

    known = images.classes and (set(images.classes) <= set(wnids()) or in_imagenets_order(images.classes))
    if known and model in models.list_models(module=models):
        return f"torchvision:{models.get_model_weights(model).DEFAULT}"
    raise UserError(
        f"weights 'auto': none are known for {model} on {images.name}; "
        "give --weights FILE, torchvision:NAME or builtin:NAME"
    )


def builtin_folder() -> Path:
    return Path(str(files("bench.nets"))) / "builtin"


def builtin_names() -> list[str]:
    """The nets that come with the package, all trained on `shapes`."""
    return sorted(path.stem for path in builtin_folder().glob("*.safetensors"))


def _torchvision(spec: str, name: str, model: str | None) -> Weights:
    from torchvision import models

    enumeration, _, member = name.rpartition(".")
    try:
        if not enumeration and model is None:
            raise ValueError
        known = models.get_weight(name) if enumeration else models.get_model_weights(model)[member]
    except (ValueError, KeyError):
        allowed = [str(each) for each in models.get_model_weights(model)] if model in models.list_models() else []
        hint = (
            f"; for {model}: {', '.join(allowed)}" if allowed else ", such as torchvision:VGG16_Weights.IMAGENET1K_V1"
        )
        raise UserError(f"weights '{spec}': torchvision has no such weights{hint}") from None
    try:
        with downloading():
            state = known.get_state_dict(progress=True, check_hash=True, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(f"weights '{spec}': the cached file holds more than tensors; remove it and run again") from None
    except (OSError, RuntimeError, EOFError) as error:
        raise UserError(f"weights '{spec}': download failed ({error}); fetch {known.url} and give the file") from None
    return Weights(
        source=f"torchvision:{known}",
        state=plain_state(spec, state),
        **_said(known),
    )


def _said(member: Any) -> dict[str, Any]:
    """What torchvision says of weights that it publishes, by the fields of `Weights`."""
    return {
        "pixels": published.pixels_of(member),
        "classes": tuple(member.meta["categories"]),
        "side": published.side_of(member),
        "recipe": published.recipe_of(member),
    }
