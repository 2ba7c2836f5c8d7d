"""Weights from wherever they are, with what they say of themselves: S, pixels, classes."""

import hashlib
import json
import os
import pickle
import sys
import warnings
from collections.abc import Collection, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from bench.classes import wnids
from bench.data import Images
from bench.errors import UserError
from bench.pixels import Pixels, parse_pixels
from bench.state import State, plain_state, refuse_bomb
from protocols.scales import TrainingScale, parse_S
from results.aside import write_aside

SUFFIXES = (".safetensors", ".pth", ".pt")
HEADER = "vgg-protocols"  # our entry in a safetensors header, a JSON object; others' entries are not read
MOST_WIDTH = 16  # a width multiplier above was never trained


@dataclass(frozen=True, eq=False)
class Weights:
    """A state dict in float32 and what is known of it; None where the weights do not say it."""

    source: str
    state: State = field(repr=False)
    model: str | None = None
    width: float = 1
    S: TrainingScale | None = None
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        """The source without its folders, for tables."""
        return self.source if self.source.startswith(("torchvision:", "builtin:")) else Path(self.source).name

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names, shapes and values, whatever the file's format."""
        total = hashlib.sha256()
        for name, value in sorted(self.state.items()):
            total.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            total.update(value.contiguous().view(-1).numpy().data)
        return total.hexdigest()


def read_weights(spec: str, model: str | None = None) -> Weights:
    """Read `torchvision:NAME`, `builtin:NAME`, or a .safetensors, .pth or .pt file. Raises UserError."""
    kind, _, name = spec.partition(":")
    if kind == "torchvision":
        return _torchvision(spec, name, model)
    if kind == "builtin":
        if name not in builtin_names():
            near = get_close_matches(name, builtin_names(), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"weights '{spec}': the built-in ones are {', '.join(builtin_names())}{hint}")
        return _safetensors(spec, builtin_folder() / f"{name}.safetensors")
    path = Path(spec)
    if path.suffix not in SUFFIXES:
        raise UserError(f"weights '{spec}': give auto, torchvision:NAME, builtin:NAME, or a file {' '.join(SUFFIXES)}")
    if not os.path.isfile(path):
        raise UserError(f"weights '{spec}': there is no such file")
    return _safetensors(spec, path) if path.suffix == ".safetensors" else _pickle(spec, path)


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
    return Path(str(files("bench"))) / "builtin"


def builtin_names() -> list[str]:
    """The nets that come with the package, all trained on `shapes`."""
    return sorted(path.stem for path in builtin_folder().glob("*.safetensors"))


def _safetensors(spec: str, path: Path) -> Weights:
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {}).get(HEADER, "{}"))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a mapping
    except (ValueError, RecursionError) as error:
        raise UserError(f"weights '{spec}': its header cannot be read ({error})") from None
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': not a readable safetensors file ({error})") from None
    return Weights(source=spec, state=plain_state(spec, state), **_said(spec, about))


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
            "classes": None if classes is None else tuple(classes),
        }
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise UserError(f"weights '{spec}': its header cannot be read ({error})") from None


def _pickle(spec: str, path: Path) -> Weights:
    refuse_bomb(spec, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats that are refused here
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(
            f"weights '{spec}': holds more than tensors, or is no torch file; give a plain state dict"
        ) from None
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': cannot be read ({' '.join(str(error).split())[:100]})") from None
    for wrapper in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items()
    ):
        raise UserError(f"weights '{spec}': not a state dict (names and tensors)")
    return Weights(source=spec, state=plain_state(spec, dict(content), path.stat().st_size))


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
        with redirect_stdout(sys.stderr):  # torch announces downloads on standard output, where only tables go
            state = known.get_state_dict(progress=True, check_hash=True, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(f"weights '{spec}': the cached file holds more than tensors; remove it and run again") from None
    except (OSError, RuntimeError, EOFError) as error:
        raise UserError(f"weights '{spec}': download failed ({error}); fetch {known.url} and give the file") from None
    return Weights(
        source=f"torchvision:{known}",
        state=plain_state(spec, state),
        pixels=_torchvision_pixels(known),
        classes=tuple(known.meta["categories"]),
    )


def _torchvision_pixels(known) -> Pixels:
    if known.__class__.__name__ in ("GoogLeNet_Weights", "Inception_V3_Weights"):
        # torchvision builds these two with a transform_input that turns its pixels into these
        return Pixels("RGB", 1, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    preset = known.transforms()
    return Pixels("RGB", 1, tuple(preset.mean), tuple(preset.std))


def save_weights(path: Path, weights: Weights, about: Mapping[str, object], half: Collection[str] = ()) -> None:
    """Write a .safetensors file that `read_weights` reads back whole; `about` is recorded beside it in the header.

    Tensors named in `half` are stored in half precision.
    """
    said = {
        "model": weights.model,
        "S": weights.S and str(weights.S),
        "pixels": weights.pixels and str(weights.pixels),
        "classes": weights.classes,
    }
    header = {**about, "width": weights.width, **{name: value for name, value in said.items() if value is not None}}
    state = {
        name: value.detach().cpu().to(torch.float16 if name in half else value.dtype).contiguous()
        for name, value in weights.state.items()
    }
    write_aside(path, save(state, metadata={HEADER: json.dumps(header)}))
