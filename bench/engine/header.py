"""Plainly what is evaluated, on what, and what is assumed: above a written table, and in sentences at a terminal."""

from collections.abc import Collection, Sequence

from bench.images.dataset import Images
from bench.images.first_look import first_images
from bench.nets.model import Model
from results.formatting import escaped, shown

IMAGENET = "--data imagenet:DIR --weights torchvision:VGG16_Weights.IMAGENET1K_V1"
UNORDERED = "the labels are numbers or names that the weights do not name"


def sentences(models: Sequence[Model], images: Images) -> list[str]:
    """For people at a terminal, what nobody stated first."""
    said = [sentence for model in models for sentence in _assumptions(model)]
    if "class order" in images.assumed:
        said.append(f"Assumed: the order of the classes, since {UNORDERED}.")
    said += [_net(model) for model in models]
    said += [f"What is not stored is computed by {each}." for each in _engines(models)]
    spread, digest = len(images) < images.total, f"(digest {images.digest[:12]})"
    which = f"{len(images)} of the {images.total} images" if spread else f"All {images.total} images"
    if images.total == 1:
        which = "The only image"
    verb = "is" if len(images) == 1 else "are"
    how = ", evenly spread" * (1 < len(images) < images.total)
    said.append(f"{which} of {shown(images.name)} {verb} evaluated{how} {digest}.")
    said.append(f"The labels of the first images mean: {', '.join(first_images(images, models[0].count))}.")
    said += [f"Of the data: {shown(note)}." for note in images.told]
    if images.name.startswith("shapes"):
        said.append(
            "They are rendered here and are no photographs: compare the rows with one another, not with the paper's. "
            + "For all of them give --limit all, " * spread
            + f"for ImageNet {'give ' * (not spread)}{IMAGENET}."
        )
    return said


def sentences_of_models(models: Sequence[Model], without_S: Collection[Model] = ()) -> list[str]:
    """Of the nets alone: what was assumed of them, which they are, and what computes them.

    `without_S` are those whose assumed S changes nothing.
    """
    said = [sentence for model in models for sentence in _assumptions(model, model not in without_S)]
    return [*said, *map(_net, models), *(f"What is not stored is computed by {each}." for each in _engines(models))]


def _assumptions(model: Model, with_S: bool = True) -> list[str]:
    values = {"S": f"S {model.S}"} if with_S else {}
    values |= {"pixels": f"pixels {model.pixels}", "side": f"crops of {model.side} pixels"}
    said = [f"{value} (--{what})" for what, value in values.items() if what in model.assumed]
    if not said:
        return []
    return [f"Assumed, since the weights of {model.name} do not say it: {_listed(said)}."]


def _net(model: Model) -> str:
    weights = model.weights
    width = "" if weights.width == 1 else f" of width {weights.width:g}"
    dropped = "" if model.drop is None else f", without class {model.drop}"
    facts = {
        "S": f"were trained at S {model.S}",
        "pixels": f"take pixels {model.pixels}",
        "side": "" if model.side == model.usual_side else f"are for crops of {model.side} pixels",
    }
    stated = [fact for what, fact in facts.items() if fact and what not in model.assumed]
    if model.code:
        stated.insert(0, f"belong to a net that the code of {shown(model.code)} made, which was run")
    known = f"; they {_listed(stated)}" if stated else ""
    return f"{model.name}{width} has the weights {shown(weights.place)} ({weights.digest[:12]}){dropped}{known}."


def _listed(said: Sequence[str]) -> str:
    *others, last = said
    return f"{', '.join(others)} and {last}" if others else last


def header(models: Sequence[Model], images: Images) -> list[str]:
    """Lines of Markdown for people."""
    lines = [*about_models(models), *about_images(images, models[0].count)]
    if images.name.startswith("shapes"):
        lines.append(
            "- This is the built-in rendered set, not ImageNet: compare the rows with one another, not with the "
            f"paper. All its images: `--limit all`. ImageNet: `{IMAGENET}`"
        )
    return lines


def about_images(images: Images, count: int) -> list[str]:
    """The set with its size and digest, what its first labels mean to nets of `count` classes, what was assumed."""
    share = "all" if len(images) == images.total else "evenly spread"
    line = (
        f"- Data: {escaped(images.name)}, {len(images)} of {images.total} images ({share}), digest {images.digest[:12]}"
    )
    lines = [line, f"- Data: labels of the first images: {', '.join(map(escaped, first_images(images, count)))}"]
    lines += [f"- Data: {escaped(note)}" for note in images.told]
    if "class order" in images.assumed:
        lines.append(f"- Data: class order assumed: {UNORDERED}")
    return lines


def about_models(models: Sequence[Model], without_S: Collection[Model] = ()) -> list[str]:
    """Each net with its weights and what was assumed of them, and what computes them where it is not torch.

    `without_S` are those whose assumed S changes nothing.
    """
    engines = [f"- Engine: {each}, for what this run computed" for each in _engines(models)]
    return [_model(model, model not in without_S) for model in models] + engines


def _engines(models: Sequence[Model]) -> list[str]:
    """The runtimes that compute in torch's place, with their versions, each once."""
    return sorted({model.engine.made["engine"] for model in models if model.engine.made})


def _model(model: Model, with_S: bool) -> str:
    weights = model.weights
    width = "" if weights.width == 1 else f", width {weights.width:g}"
    dropped = "" if model.drop is None else f" without class {model.drop}"
    S = f", S={model.S}{_assumed(model, 'S')}" if with_S else ""
    pixels = f"pixels {model.pixels}{_assumed(model, 'pixels')}"
    where = f"weights {escaped(weights.place)} ({weights.digest[:12]}){dropped}"
    code = f" (made by running {escaped(model.code)})" if model.code else ""
    return f"- Model: {escaped(model.name)}{code}{width}, {where}{S}, {pixels}{_side(model)}"


def _side(model: Model) -> str:
    """Said where the net has weights for several."""
    usual = model.side == model.usual_side and "side" not in model.assumed
    return "" if usual else f", crops of {model.side} pixels{_assumed(model, 'side')}"


def _assumed(model: Model, what: str) -> str:
    return f" (assumed: the weights do not say it; --{what})" if what in model.assumed else ""
