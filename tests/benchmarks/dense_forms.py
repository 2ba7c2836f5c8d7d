"""Which nets have an exact fully-convolutional form, and why others have none: the tables of `docs/nets.md`.

`python tests/benchmarks/dense_forms.py FILE` tries every classification net of torchvision and a net of each of many of
timm's families, with random weights by seed. FILE (JSON lines) grows net by net, and nets that are in it are not tried
again; `--tables` prints it as Markdown. Some nets take minutes. Needs `pip install -e '.[timm]'`.
"""

import argparse
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import timm
import torch
from torch import fx, nn
from torchvision import models

from bench.images.pixels import NAMED, Pixels
from bench.nets import zoo
from bench.nets.conversion.slid_end import as_map
from bench.nets.conversion_check import GRAIN, check_conversion
from bench.nets.convert import UnconvertibleError, fully_convolutional, map_places, smallest_side
from bench.nets.timm_nets import usual_pixels, usual_side

COUNT = 10  # classes
DIFFERS = 1e-3  # of the largest score: how far those of two images must lie apart for a check to say something
# One net of each family, small ones.
TIMM = """
vgg11 vgg11_bn resnet18 wide_resnet50_2 resnext26ts resnet50_clip resnetv2_50 seresnet50 legacy_seresnet18 ecaresnet26t
eca_resnet33ts gcresnet33ts bat_resnext26ts skresnet18 resnest14d res2net50_26w_4s densenet121 rdnet_tiny dla34 dpn48b
hrnet_w18_small
inception_v3 inception_v4 inception_resnet_v2 legacy_xception xception41 nasnetalarge pnasnet5large cspresnet50
darknet53 selecsls42 ese_vovnet19b_dw hgnet_tiny repvgg_a0 mobileone_s0 repghostnet_050 ghostnet_100 mnasnet_small
mobilenetv2_100 mobilenetv3_small_100 mobilenetv4_conv_small lcnet_050 tinynet_e rexnet_100 efficientnet_b0
tf_efficientnet_lite0 tf_efficientnetv2_b0 regnetx_002 regnety_002 nfnet_l0 dm_nfnet_f0 tresnet_m convnext_atto
convnextv2_atto inception_next_tiny convmixer_768_32 starnet_s1 focalnet_tiny_srf
poolformer_s12 mambaout_femto fastvit_t8 repvit_m0_9
edgenext_xx_small efficientformer_l1 levit_128s visformer_tiny coatnet_nano_rw_224 maxvit_tiny_rw_224 nextvit_small
efficientvit_b0 davit_tiny pvt_v2_b0 swin_tiny_patch4_window7_224 hiera_tiny_224 xcit_nano_12_p16_224 cait_xxs24_224
vit_tiny_patch16_224 deit_tiny_patch16_224 mixer_s32_224 resmlp_12_224
"""


def torchvision_nets() -> list[str]:
    return [name for name in models.list_models(models) if not name.startswith("quantized")]


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    if is_timm(name):
        return timm.create_model(name.removeprefix("timm:"), num_classes=COUNT).eval()
    return zoo.construct(name, COUNT, 1).eval()


def is_timm(name: str) -> bool:
    return name.startswith("timm:")


def randomised(net: nn.Module, images: torch.Tensor) -> nn.Module:
    """Weights that leave no block without an effect, as zero-initialised ones would, and statistics that fit them."""
    for each in net.parameters():
        if each.ndim > 1 and each.numel() > each.shape[0]:
            nn.init.kaiming_normal_(each, nonlinearity="relu")
    for layer in net.modules():
        for name, each in layer.named_parameters(recurse=False):
            if each.numel() in each.shape:  # of normalisations, scales of layers
                nn.init.uniform_(each, *((-0.1, 0.1) if name == "bias" else (0.5, 1.0)))
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    net.train()(images)
    return net.eval()


@torch.no_grad()
def row_of(name: str) -> dict[str, Any]:
    """What is said of a net."""
    side = usual_side(name) if is_timm(name) else zoo.side_of(name)
    pixels = usual_pixels(name) if is_timm(name) else NAMED["torchvision"]
    row = {"net": name, "side": side}
    try:
        graph = converted(name, side, pixels)
    except UnconvertibleError as error:
        return row | {"why not": str(error)}
    own = graph(torch.zeros(1, 3, side, side)).shape[-1]
    slid = any(node.target is as_map for node in graph.graph.nodes)
    end = "its end slides" if slid else "its first linear layer slides" if own == 1 else "its scores are averaged"
    return row | {"form": end, "from": smallest_side(graph, side), "stride": map_places(graph, side)[1]}


def converted(name: str, side: int, pixels: Pixels) -> fx.GraphModule:
    """Its form, checked by numbers. Raises UnconvertibleError."""
    refuse_without_storage(name, side)
    patches = torch.randint(0, 256, (2, 3, side // GRAIN + 1, side // GRAIN + 1), dtype=torch.uint8)
    images = patches.repeat_interleave(GRAIN, 2).repeat_interleave(GRAIN, 3)[..., :side, :side]
    net = randomised(made(name), pixels.normalise(images))
    graph = fully_convolutional(net, side)
    scores = net(pixels.normalise(images))
    if not (scores.isfinite().all() and (scores[0] - scores[1]).abs().max() > DIFFERS * scores.abs().max()):
        raise ValueError(f"{name}: its random weights say nothing")
    check_conversion(net, graph, side, pixels)
    return graph


def refuse_without_storage(name: str, side: int) -> None:
    """What a graph shows needs no numbers; nets that need them while they are made are made below."""
    try:
        with torch.device("meta"):
            net = made(name)
    except (NotImplementedError, RuntimeError):
        return
    try:
        fully_convolutional(net, side)
    except UnconvertibleError as error:
        if "cannot be traced" not in str(error):
            raise


def try_all(names: Iterable[str], path: Path) -> None:
    done = {row["net"] for row in rows_of(path)}
    for name in names:
        if name not in done:
            try:
                row = row_of(name)
            except Exception as error:
                row = {"net": name, "failed": f"{type(error).__name__}: {error}"[:300]}
            with path.open("a") as file:
                file.write(f"{json.dumps(row)}\n")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def tables(rows: list[dict[str, Any]]) -> str:
    """One of torchvision's nets by family, one of timm's; nets of a family that the same is said of are in one row."""
    known = {row["net"]: row for row in rows}
    both = torchvision_nets(), [f"timm:{name}" for name in TIMM.split()]
    return "\n\n".join(_table([known[name] for name in names if name in known]) for names in both)


def _table(rows: list[dict[str, Any]]) -> str:
    lines: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        where = re.sub(r" \(.*?\)|\d+ px", "", row.get("why not", ""))  # which block it is differs between siblings
        lines.setdefault((_family(row["net"]), row.get("form", ""), where), []).append(row)
    told = [["family", "nets", "dense form", "smallest side", "cells apart"], ["---"] * 5]
    for (family, form, _), alike in sorted(lines.items()):
        nets = ", ".join(row["net"].removeprefix("timm:") for row in alike)
        said = f"yes: {form}" if form else f"no: {alike[0].get('why not') or alike[0]['failed']}"
        told.append([family, nets, said, _each("from", alike), _each("stride", alike)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in told)


def _each(column: str, rows: list[dict[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(f"{row[column]:.0f}" for row in rows if column in row))


def _family(name: str) -> str:
    """The module that a net is made in."""
    make = timm.model_entrypoint(name.removeprefix("timm:")) if is_timm(name) else models.get_model_builder(name)
    return make.__module__.rpartition(".")[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--nets", nargs="+", default=[*torchvision_nets(), *(f"timm:{name}" for name in TIMM.split())])
    parser.add_argument("--tables", action="store_true", help="print what is in FILE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.tables:
        print(tables(rows_of(options.file)))
    else:
        try_all(options.nets, options.file)


if __name__ == "__main__":
    main()
