"""Weights written in our format, with what is known of them, and what is said of that."""

from dataclasses import replace
from pathlib import Path

import torch

from bench.errors import UserError
from bench.folders import spare
from bench.nets import zoo
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.named import open_model
from bench.nets.net_spec import NetSpec
from bench.nets.reading import read_weights
from bench.nets.weights import Weights, save_weights
from bench.version import __version__

SUFFIX = ".safetensors"


def known_model(where: str, key: str | None) -> str:
    """The net that weights say they are for. Raises UserError."""
    model = read_weights(where, key=key).model
    if model is None:
        raise UserError(f"weights '{where}' do not say which net they are for; give --model NAME")
    return model


def convert(spec: NetSpec, out: Path, replaces: bool = False) -> list[str]:
    """Write a net's weights to `out`; lines that say what was written, and what nobody said. Raises UserError."""
    if spec.made:
        raise UserError(f"model '{spec.name}': it is made elsewhere, and no file could name it; give a net by its name")
    if out.suffix != SUFFIX or out.is_dir():
        raise UserError(f"--out '{out}': give a file that ends in {SUFFIX}")
    spare("--out", out, [Path(str(spec.weights))])
    if out.exists() and not replaces:
        raise UserError(f"--out '{out}': it is there already; give another name, or --replace")
    if not out.parent.is_dir():
        raise UserError(f"--out '{out}': there is no folder {out.parent}; make it, or give another")
    model = open_model(spec, torch.device("cpu"), Precision("fp32"), "scores")
    weights = _with_all_that_is_known(model)
    save_weights(out, weights, {"origin": model.weights.label, "converted_by": __version__})
    return _said(model, weights, out)


def _with_all_that_is_known(model: Model) -> Weights:
    """The weights with what was given for them; what is assumed is left open, as it was."""
    state = {name: value.clone() for name, value in model.weights.state.items()}  # names may have shared their values
    return replace(
        model.weights,
        state=state,
        key=None,
        model=model.name,
        S=None if "S" in model.assumed else model.S,
        pixels=None if "pixels" in model.assumed else model.pixels,
        side=None if "side" in model.assumed else model.side,
        background=model.drop,
    )


def _said(model: Model, weights: Weights, out: Path) -> list[str]:
    values = sum(value.numel() for value in weights.state.values())
    lines = [
        f"{out}: {model.name}, {values:,} values (digest {weights.digest[:12]}), from {model.weights.place}.",
        f"It says {_listed(_facts(model, weights))}.",
    ]
    left = {"S": f"S {model.S}", "pixels": f"pixels {model.pixels}", "side": f"crops of {model.side} pixels"}
    assumed = [f"{value} (--{what})" for what, value in left.items() if what in model.assumed]
    if assumed:
        lines.append(f"Nobody said, so that whoever reads it assumes: {_listed(assumed)}.")
    if weights.classes is None:
        count = zoo.class_count(model.name, weights.state)
        lines.append(f"Nobody said the names of its {count} classes (--classes FILE).")
    return lines


def _facts(model: Model, weights: Weights) -> list[str]:
    """What stands in the header."""
    said = ["its net"]
    said += [f"S {weights.S}"] if weights.S else []
    said += [f"pixels {weights.pixels}"] if weights.pixels else []
    said += [f"crops of {weights.side} pixels"] if weights.side else []
    said += [f"the names of {len(weights.classes)} classes"] if weights.classes else []
    said += [] if weights.background is None else [f"that class {weights.background} stands for no image"]
    return [*said, "where it is from"]


def _listed(said: list[str]) -> str:
    *others, last = said
    return f"{', '.join(others)} and {last}" if others else last
