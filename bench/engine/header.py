"""What stands above a table: plainly what was evaluated, on what, and what was assumed."""

from collections.abc import Sequence

from bench.images.dataset import Images
from bench.nets import zoo
from bench.nets.model import Model
from results.cells import escaped


def header(models: Sequence[Model], images: Images) -> list[str]:
    """Lines of Markdown for people."""
    lines = [*about_models(models), *about_images(images)]
    if images.name.startswith("shapes"):
        lines.append(
            "- This is the built-in rendered set, not ImageNet: compare the rows with one another, not with the "
            "paper. All its images: `--limit all`. ImageNet: "
            "`--data imagenet:DIR --weights torchvision:VGG16_Weights.IMAGENET1K_V1`"
        )
    return lines


def about_images(images: Images) -> list[str]:
    """The set with its size and digest, then what was taken, left out or assumed of it."""
    share = "all" if len(images) == images.total else "evenly spread"
    line = (
        f"- Data: {escaped(images.name)}, {len(images)} of {images.total} images ({share}), digest {images.digest[:12]}"
    )
    lines = [line, *(f"- Data: {escaped(note)}" for note in images.told)]
    if "class order" in images.assumed:
        lines.append("- Data: class order assumed: the labels are numbers or names that the weights do not name")
    return lines


def about_models(models: Sequence[Model]) -> list[str]:
    """Each net with its weights and what was assumed of them."""
    return [_model(model) for model in models]


def _model(model: Model) -> str:
    weights = model.weights
    width = "" if weights.width == 1 else f", width {weights.width:g}"
    dropped = "" if model.drop is None else f" without class {model.drop}"
    S, pixels = f"S={model.S}{_assumed(model, 'S')}", f"pixels {model.pixels}{_assumed(model, 'pixels')}"
    where = f"weights {escaped(weights.place)} ({weights.digest[:12]}){dropped}"
    return f"- Model: {model.name}{width}, {where}, {S}, {pixels}{_side(model)}"


def _side(model: Model) -> str:
    """Said where the net has weights for several."""
    usual = model.side == zoo.side_of(model.name) and "side" not in model.assumed
    return "" if usual else f", crops of {model.side} pixels{_assumed(model, 'side')}"


def _assumed(model: Model, what: str) -> str:
    return f" (assumed: the weights do not say it; --{what})" if what in model.assumed else ""
