"""Weights in `.safetensors`, whose header may say what belongs to them."""

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open

from bench.errors import UserError
from bench.images.pixels import parse_pixels
from bench.nets.published import Recipe
from bench.nets.state_dict_choice import state_in
from bench.nets.state_dicts import plain_state
from bench.nets.weights import HEADER, Weights
from protocols.scales import parse_S
from results.names import mended

MOST_WIDTH = 16  # a width multiplier above was never trained
MOST_SIDE = 4096  # pixels; nor were crops above


def is_safetensors(path: Path) -> bool:
    """Whether a file is one by its contents: the length of a header that lies within it, and a header in JSON."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return file.read(1) == b"{" and 8 + length <= path.stat().st_size


def read_safetensors(spec: str, path: Path, model: str | None, key: str | None) -> Weights:
    """The state dict in a file, or the one under `key`, with what its header says. Raises UserError."""
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
            "recipe": _recipe(about["published"]) if "published" in about else None,
            "background": _index(about["background"]) if "background" in about else None,
        }
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise UserError(f"weights '{spec}': its header cannot be read ({error})") from None


def _recipe(said: Any) -> Recipe:
    recipe = Recipe(**said)
    errors = [each for each in (recipe.top1, recipe.top5) if each is not None]
    if not isinstance(recipe.square, bool) or not all(isinstance(each, int | float) for each in errors):
        raise ValueError(f"recipe {said!r:.100}")
    return recipe._replace(resize=_side(recipe.resize))


def _index(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"background {value!r:.50}")
    return value


def _side(value: Any) -> int:
    if not isinstance(value, int) or not 0 < value <= MOST_SIDE:
        raise ValueError(f"side {value!r:.50}")
    return value
