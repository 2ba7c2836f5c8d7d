"""`--list`: what there is."""

from protocols.protocol import DESCRIPTIONS


def listing(what: str) -> str:
    """The names that an option takes, a line each."""
    return "\n".join({"models": _models, "protocols": _protocols, "data": _data, "weights": _weights}[what]())


def _models() -> list[str]:
    from torchvision import models

    from bench import zoo

    lines = []
    for name in zoo.model_names():
        if name in zoo.OWN:
            count = sum(value.numel() for value in zoo.build(name, 1000).parameters())
        else:
            count = models.get_model_weights(name).DEFAULT.meta["num_params"]
        lines.append(f"{name:20} {zoo.configuration(name):6} {count / 1e6:6.1f} M parameters")
    return lines


def _protocols() -> list[str]:
    return [f"{name:16} {text}" for name, text in DESCRIPTIONS.items()]


def _data() -> list[str]:
    from bench.sources import DATASETS

    return [f"{name + source.argument:16} {source.about}" for name, source in DATASETS.items()]


def _weights() -> list[str]:
    from bench.weights import builtin_names, read_weights

    lines = ["auto                 the built-in net for shapes, torchvision's for ImageNet's classes"]
    for name in builtin_names():
        weights = read_weights(f"builtin:{name}")
        lines.append(
            f"{'builtin:' + name:20} {weights.model}, width {weights.width:g}, S={weights.S}, trained on shapes"
        )
    lines.append("torchvision:NAME     such as torchvision:VGG16_Weights.IMAGENET1K_V1, downloaded by torchvision")
    lines.append("FILE                 a state dict as .safetensors, .pth or .pt")
    return lines
