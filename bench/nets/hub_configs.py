"""What `config.json` of timm, or of transformers with `preprocessor_config.json`, says of the weights beside it."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.images.scaling import INTERPOLATIONS, Interpolation
from bench.nets.published import Recipe

MOST = 1 << 24  # bytes
MOST_SIDE = 4096  # pixels
RESAMPLED: dict[object, Interpolation] = {1: "lanczos", 2: "bilinear", 3: "bicubic"}  # numbers of PIL's filters


def read_config(spec: str, config: Path | None, preprocessor: Path | None) -> dict[str, Any]:
    """What two files say, by the fields of `Weights`: pixels, side, recipe, classes. Raises UserError."""
    about, before = (_object(spec, path) for path in (config, preprocessor))
    own = about.get("pretrained_cfg", about)
    try:
        if "mean" in own:
            return _timm(own) | _named({**own, **about})
        return _transformers(before) | _named(about)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
        why = " ".join(str(error).split())[:100]
        raise UserError(f"weights '{spec}': the configuration beside it cannot be read ({why})") from None


def _object(spec: str, path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        if path.stat().st_size > MOST:
            raise ValueError(f"{path.stat().st_size} bytes")
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError("no object")
    except (ValueError, OSError, RecursionError) as error:
        raise UserError(f"weights '{spec}': {path.name} beside it cannot be read ({error})") from None
    return found


def _timm(said: Mapping[str, Any]) -> dict[str, Any]:
    """As timm's validation evaluates: at test_input_size, the crop's share of the rescaled image."""
    side = _side((said.get("test_input_size") or said["input_size"])[-1])
    share = float((said.get("test_crop_pct") if said.get("test_input_size") else None) or said.get("crop_pct") or 0)
    mode = said.get("crop_mode") or "center"
    recipe = Recipe(_side(math.floor(side / share)), mode == "squash") if share and mode != "border" else None
    return {"pixels": _pixels(said["mean"], said["std"], said.get("interpolation")), "side": side, "recipe": recipe}


def _transformers(said: Mapping[str, Any]) -> dict[str, Any]:
    """Means are of values in 0..1; the crop is square."""
    if not said.get("do_normalize", True) or "image_mean" not in said:
        return {}
    crop = (said.get("crop_size") or said.get("size")) if said.get("do_center_crop", True) else said.get("size")
    if isinstance(crop, dict):
        crop = crop.get("height", crop.get("shortest_edge"))
    pixels = _pixels(said["image_mean"], said["image_std"], RESAMPLED.get(said.get("resample", 2)))
    whole = not said.get("do_rescale", True)
    usual = whole or abs(float(said.get("rescale_factor", 1 / 255)) * 255 - 1) < 1e-6
    if not usual or said.get("do_flip_channel_order") or said.get("resample", 2) not in RESAMPLED:
        return {"side": None if crop is None else _side(crop)}  # as no Pixels are: they stay open
    pixels = replace(pixels, range=255 if whole else 1)
    return {"pixels": pixels, "side": None if crop is None else _side(crop)}


def _named(said: Mapping[str, Any]) -> dict[str, Any]:
    """Classes in a list, or by their numbers; not those that a library made up."""
    names = said.get("label_names")
    if numbered := said.get("id2label"):
        names = [numbered[str(k)] for k in range(len(numbered))]
    if not names or not all(isinstance(each, str) for each in names) or names[0] == "LABEL_0":
        return {}
    return {"classes": tuple(names)}


def _pixels(mean: Any, std: Any, interpolation: Any) -> Pixels:
    values = [tuple(float(each) for each in side) for side in (mean, std)]
    order: Literal["L", "RGB"] = "L" if len(values[0]) == 1 else "RGB"
    if len(values[0]) != len(values[1]) or len(values[0]) not in (1, 3):
        raise ValueError(f"means and deviations of {len(values[0])} and {len(values[1])} channels")
    if not all(map(math.isfinite, values[0])) or not all(0 < each < math.inf for each in values[1]):
        raise ValueError("means or deviations that are none")
    known = [each for each in INTERPOLATIONS if each == interpolation]  # timm's "random" is one of training
    return Pixels(order, 1, values[0], values[1], *known)


def _side(value: Any) -> int:
    if not isinstance(value, int) or not 0 < value <= MOST_SIDE:
        raise ValueError(f"side {value!r:.50}")
    return value
