"""The layers of keras.applications' nets that have weights, in the order of its `model.layers`, and which are ours."""

from bench.images.pixels import NAMED
from bench.nets import zoo
from bench.nets.formats.channels_last import Layer
from bench.nets.keras_nets import STACKS, STAGES
from bench.nets.vgg import BLOCKS, NAMES

FULLY_CONNECTED = (("fc1", "flat"), ("fc2", "dense"), ("predictions", "dense"))


def vgg_layers(model: str, name: str = "block{}_conv{}") -> list[Layer]:
    """Of one of the paper's nets; `name` says how a convolution is called by its block and place in it."""
    layers, place = [], 0
    for number, block in enumerate(BLOCKS[NAMES[model]], 1):
        for k in range(len(block)):
            layers.append(Layer(name.format(number, k + 1), "conv", f"features.{place}"))
            place += 2  # a ReLU between
        place += 1  # the pooling
    return [*layers, *(Layer(name, kind, f"classifier.{3 * k}") for k, (name, kind) in enumerate(FULLY_CONNECTED))]


def _resnet_layers() -> list[Layer]:
    layers = [Layer("conv1_conv", "conv", "conv1"), Layer("conv1_bn", "norm", "bn1")]
    for stack, (_, blocks) in enumerate(STACKS):
        for k in range(blocks):
            keras, ours = f"conv{stack + 2}_block{k + 1}", f"stacks.{stack}.{k}"
            for each in (1, 2):
                layers.append(Layer(f"{keras}_{each}_conv", "conv", f"{ours}.conv{each}"))
                layers.append(Layer(f"{keras}_{each}_bn", "norm", f"{ours}.bn{each}"))
            pairs = [] if k else [(0, "downsample.0", "downsample.1")]  # of equal depth, so before the third
            pairs.append((3, "conv3", "bn3"))
            layers += [Layer(f"{keras}_{each}_conv", "conv", f"{ours}.{module}") for each, module, _ in pairs]
            layers += [Layer(f"{keras}_{each}_bn", "norm", f"{ours}.{module}") for each, _, module in pairs]
    return [*layers, Layer("predictions", "dense", "fc")]


def _mobilenet_layers() -> list[Layer]:
    layers = _convolution("Conv1", "bn_Conv1", "stem")
    for k in range(sum(count for _, _, count, _ in STAGES)):
        keras, ours = f"block_{k}" if k else "expanded_conv", f"blocks.{k}"
        if k:
            layers += _convolution(f"{keras}_expand", f"{keras}_expand_BN", f"{ours}.expand")
        layers += _convolution(f"{keras}_depthwise", f"{keras}_depthwise_BN", f"{ours}.depthwise", "depthwise")
        layers += _convolution(f"{keras}_project", f"{keras}_project_BN", f"{ours}.project")
    return [*layers, *_convolution("Conv_1", "Conv_1_bn", "last"), Layer("predictions", "dense", "classifier")]


def _convolution(name: str, norm: str, module: str, kind: str = "conv") -> list[Layer]:
    return [Layer(name, kind, f"{module}.conv"), Layer(norm, "norm", f"{module}.norm")]


LAYERS = {
    "vgg16": vgg_layers("vgg16"),
    "vgg19": vgg_layers("vgg19"),
    "resnet50-keras": _resnet_layers(),
    "mobilenet_v2-keras": _mobilenet_layers(),
}
TITLES = {"vgg16": "VGG16", "vgg19": "VGG19", "resnet50-keras": "ResNet50", "mobilenet_v2-keras": "MobileNetV2"}
PIXELS = {name: NAMED["caffe"] if name in NAMES else zoo.usual_pixels(name) for name in LAYERS}
