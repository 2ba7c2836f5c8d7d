"""`--list`: what there is."""

from protocols.protocol import DESCRIPTIONS

NUMBERS = ("parameters", "GFLOP", "input", "dense from")
AROUND = ("alexnet", "mobilenet_v2", "resnet50", "squeezenet1_0", "squeezenet1_1")  # what people set beside the paper's
PAPERS = {  # where torchvision's nets come from, by how their names begin
    "alexnet": "Krizhevsky et al. 2012, one tower",
    "convnext": "Liu et al. 2022",
    "densenet": "Huang et al. 2016",
    "efficientnet_b": "Tan and Le 2019",
    "efficientnet_v2": "Tan and Le 2021",
    "googlenet": "Szegedy et al. 2014",
    "inception": "Szegedy et al. 2015",
    "maxvit": "Tu et al. 2022",
    "mnasnet": "Tan et al. 2018",
    "mobilenet_v2": "Sandler et al. 2018",
    "mobilenet_v3": "Howard et al. 2019",
    "regnet": "Radosavovic et al. 2020",
    "resnet": "He et al. 2015",
    "resnext": "Xie et al. 2016",
    "shufflenet": "Ma et al. 2018",
    "squeezenet": "Iandola et al. 2016",
    "swin": "Liu et al. 2021",
    "vit": "Dosovitskiy et al. 2020",
    "wide_resnet": "Zagoruyko and Komodakis 2016",
}


def catalogue(what: str) -> str:
    """The names that an option takes, a line each."""
    return "\n".join(
        {"models": _list_models, "protocols": _list_protocols, "data": _list_data, "weights": _list_weights}[what]()
    )


def _list_models() -> list[str]:
    import pandas as pd

    from bench.nets import zoo

    rows = [{"name": name, "configuration": zoo.configuration(name), **_line_of(name)} for name in zoo.model_names()]
    columns = list(rows[0])
    aligned = ["right" if column in NUMBERS else "left" for column in columns]
    return [
        pd.DataFrame(rows).to_markdown(index=False, tablefmt="simple", disable_numparse=True, colalign=aligned),
        "",
        "parameters and GFLOP with 1000 classes; GFLOP: twice the multiply-adds of one view at the net's own input.",
        "dense from: the shorter side, in pixels, of the smallest image that the fully-convolutional form takes;",
        "of torchvision's other nets it is found when they are evaluated, and is at most their input if there is one.",
    ]


def _line_of(name: str) -> dict[str, str]:
    """What a line says of a net; counting torchvision's would take a minute, and its metadata has the same counts."""
    from torchvision import models

    from bench.nets import zoo
    from bench.nets.convert import fully_convolutional, smallest_side
    from bench.nets.flops import net_flops

    side, channels = zoo.side_of(name), zoo.channels_of(name)
    smallest = ""
    if name in (*zoo.OWN, *AROUND):
        net = zoo.build(name, 1000)
        smallest = str(smallest_side(fully_convolutional(net, side, channels), side, channels))
    if name in zoo.OWN:
        parameters, flops = sum(value.numel() for value in net.parameters()), net_flops(name, 1)
    else:
        about = models.get_model_weights(name).DEFAULT.meta
        parameters, flops = about["num_params"], 2e9 * about["_ops"]
    return {
        "parameters": f"{parameters:,}",
        "GFLOP": f"{flops / 1e9:.3f}",
        "input": f"{side}x{side} {'grey' if channels == 1 else 'RGB'}",
        "dense from": smallest,
        "origin": zoo.OWN[name].origin if name in zoo.OWN else _paper(name),
    }


def _paper(name: str) -> str:
    return next((f"{paper} (torchvision)" for begin, paper in PAPERS.items() if name.startswith(begin)), "torchvision")


def _list_protocols() -> list[str]:
    return [
        line
        for paper, protocols in DESCRIPTIONS.items()
        for line in (f"{paper}:", *(f"  {name:16} {text}" for name, text in protocols.items()))
    ]


def _list_data() -> list[str]:
    from bench.images.kinds import GROUPS, KINDS

    width = max(len(name + kind.argument) for name, kind in KINDS.items())
    return [
        line
        for heading, kinds in GROUPS.items()
        for line in (f"{heading}:", *(f"  {name + kind.argument:{width}} {kind.about}" for name, kind in kinds.items()))
    ]


def _list_weights() -> list[str]:
    from bench.nets.reading import builtin_names, read_weights

    lines = ["auto                 the built-in net for shapes, torchvision's for ImageNet's classes"]
    for name in builtin_names():
        weights = read_weights(f"builtin:{name}")
        lines.append(
            f"{'builtin:' + name:20} {weights.model}, width {weights.width:g}, S={weights.S}, trained on shapes"
        )
    lines.append("torchvision:NAME     such as torchvision:VGG16_Weights.IMAGENET1K_V1, downloaded by torchvision")
    lines += [
        "FILE                 a state dict as .safetensors, .pth or .pt, or a checkpoint (of several: --weights-key); "
        "or Caffe's, MatConvNet's, Keras's (docs/weights.md)",
        "hf:OWNER/REPO        from the Hugging Face hub; hf:OWNER/REPO@REVISION:FILE says which",
    ]
    return lines
