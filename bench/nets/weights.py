"""Weights from wherever they are, with what they say of themselves: S, pixels, classes."""

import hashlib
import json
import pickle
import re
import warnings
from argparse import Namespace
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from bench.errors import UserError
from bench.images.classes import wnids
from bench.images.dataset import Images
from bench.images.pixels import Pixels, parse_pixels
from bench.nets import published, zoo
from bench.nets.state_dict_choice import state_in
from bench.nets.state_dicts import State, plain_state, refuse_bomb, refuse_foreign
from bench.progress import downloading
from protocols.scales import TrainingScale, parse_S
from results.atomic_files import write_atomically
from results.names import mended

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".pth.tar")
HEADER = "vgg-protocols"  # our entry in a safetensors header, a JSON object; others' entries are not read
torch.serialization.add_safe_globals([Namespace])  # training scripts keep their options beside the weights
MOST_WIDTH = 16  # a width multiplier above was never trained
MOST_SIDE = 4096  # pixels; nor were crops above


@dataclass(frozen=True, eq=False)
class Weights:
    """A state dict in float32 and what is known of it; None where the weights do not say it.

    `side` is that of the crops, in pixels; `key` what was chosen of a file that holds several state dicts. `identity`
    stands for the digest where more than a state dict says what is computed.
    """

    source: str
    state: State = field(repr=False)
    model: str | None = None
    width: float = 1
    S: TrainingScale | None = None
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None
    side: int | None = None
    key: str | None = None
    identity: str | None = None

    @property
    def label(self) -> str:
        """The source without its folders, for tables."""
        return self._with_key(Path(self.source).name if _is_file(self.source) else self.source)

    @property
    def place(self) -> str:
        """The source in full, and which of its state dicts was chosen."""
        return self._with_key(self.source)

    def _with_key(self, source: str) -> str:
        return source if self.key is None else f"{source}[{self.key}]"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names, shapes and values, whatever the file's format."""
        if self.identity is not None:
            return self.identity
        total = hashlib.sha256()
        for name, value in sorted(self.state.items()):
            total.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            total.update(value.contiguous().view(-1).numpy().data)
        return total.hexdigest()


def _is_file(spec: str) -> bool:
    return not spec.startswith(("torchvision:", "builtin:"))


def read_weights(spec: str, model: str | None = None, key: str | None = None) -> Weights:
    """Read `torchvision:NAME`, `builtin:NAME`, or a file of one of SUFFIXES, and of it the state dict under `key`.

    Where the model is known, a prefix that all its tensors' names share is left out. Raises UserError.
    """
    kind, _, name = spec.partition(":")
    if key is not None and not _is_file(spec):
        raise UserError(f"--weights-key {key}: '{spec}' holds one state dict; leave it out, or its place empty: KEY,")
    if kind == "torchvision":
        return _torchvision(spec, name, model)
    if kind == "builtin":
        if name not in builtin_names():
            near = get_close_matches(name, builtin_names(), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"weights '{spec}': the built-in ones are {', '.join(builtin_names())}{hint}")
        return _safetensors(spec, builtin_folder() / f"{name}.safetensors")
    path = Path(spec)
    refuse_foreign(spec, path, SUFFIXES)
    weights = _safetensors(spec, path, key) if path.suffix == ".safetensors" else _pickle(spec, path, key)
    return replace(weights, state=zoo.unprefixed(model, weights.state)) if model else weights


def choose_weights(spec: str, model: str, images: Images | None) -> str:
    """What `auto` stands for: the built-in net for `shapes`, torchvision's for ImageNet's classes.

    Without a set of images to go by it is the built-in net. Raises UserError.
    """
    if spec != "auto":
        return spec
    if images is None or images.name.startswith("shapes/"):
        builtin = {name: read_weights(f"builtin:{name}") for name in builtin_names()}
        mine = [name for name, weights in builtin.items() if weights.model == model]
        if not mine:
            raise UserError(f"weights 'auto': no built-in net for {model}; there are {', '.join(builtin_names())}")
        jittered = [name for name in mine if (S := builtin[name].S) and S.low < S.high]
        return f"builtin:{(jittered or mine)[0]}"
    from torchvision import models

    if images.classes and set(images.classes) <= set(wnids()) and model in models.list_models(module=models):
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


def _safetensors(spec: str, path: Path, key: str | None = None) -> Weights:
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {}).get(HEADER, "{}"))
            content = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a mapping
    except (ValueError, RecursionError) as error:
        raise UserError(f"weights '{spec}': its header cannot be read ({error})") from None
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': not a readable safetensors file ({error})") from None
    state = state_in(spec, content, key)
    return Weights(source=spec, state=plain_state(spec, state), key=key, **_said(spec, about))


def _said(spec: str, about: Any) -> dict[str, Any]:
    """What a header says, by the fields of `Weights`. Raises UserError where that cannot be."""
    try:
        model, classes, width = about.get("model"), about.get("classes"), float(about.get("width", 1))
        if not isinstance(model, str | None) or not 0 < width <= MOST_WIDTH:
            raise ValueError(f"model {model!r:.50}, width {width:g}")
        if classes is not None and not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
            raise ValueError("classes that are no list of names")
        return {
            "model": model,
            "width": width,
            "S": parse_S(about["S"]) if "S" in about else None,
            "pixels": parse_pixels(about["pixels"]) if "pixels" in about else None,
            "classes": None if classes is None else tuple(map(mended, classes)),
            "side": _side(about["side"]) if "side" in about else None,
        }
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise UserError(f"weights '{spec}': its header cannot be read ({error})") from None


def _side(value: Any) -> int:
    if not isinstance(value, int) or not 0 < value <= MOST_SIDE:
        raise ValueError(f"side {value!r:.50}")
    return value


def _pickle(spec: str, path: Path, key: str | None) -> Weights:
    refuse_bomb(spec, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats that are refused here
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        what = f"holds more than tensors ({named[1]})" if named else "holds more than tensors, or is no torch file"
        raise UserError(f"weights '{spec}': {what}; give a plain state dict, what net.state_dict() returns") from None
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': cannot be read ({' '.join(str(error).split())[:100]})") from None
    state = state_in(spec, content, key)
    return Weights(source=spec, state=plain_state(spec, state, path.stat().st_size), key=key)


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
        pixels=published.pixels_of(known),
        classes=tuple(known.meta["categories"]),
        side=published.side_of(known),
    )


def save_weights(path: Path, weights: Weights, about: Mapping[str, object], half: Collection[str] = ()) -> None:
    """Write a .safetensors file that `read_weights` reads back whole; `about` is recorded beside it in the header.

    Tensors named in `half` are stored in half precision.
    """
    said = {
        "model": weights.model,
        "S": weights.S and str(weights.S),
        "pixels": weights.pixels and str(weights.pixels),
        "classes": weights.classes,
        "side": _worth_saying(weights),
    }
    header = {**about, "width": weights.width, **{name: value for name, value in said.items() if value is not None}}
    state = {
        name: value.detach().cpu().to(torch.float16 if name in half else value.dtype).contiguous()
        for name, value in weights.state.items()
    }
    write_atomically(path, save(state, metadata={HEADER: json.dumps(header)}))


def _worth_saying(weights: Weights) -> int | None:
    """The side, where it is not that of all published weights of the net."""
    usual = weights.model is None or zoo.sides_of(zoo.canonical(weights.model)) == {weights.side}
    return None if usual else weights.side
