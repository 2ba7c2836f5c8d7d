"""Photographs of ImageNet's sizes in noise, and VGG-16 with random weights: neither takes a network."""

from pathlib import Path

import numpy as np
from gpu_steps import Inputs, Size
from imagenet_images import listed, make, path
from PIL import Image

from bench.images.labels.imagenet_names import wnids
from bench.images.pixels import NAMED
from bench.nets.initial import initial_net
from bench.nets.weights import Weights, save_weights
from protocols.scales import TrainingScale

SIZES = [(500, 375)] * 5 + [(375, 500)] * 2 + [(500, 333)] * 2 + [(333, 500)]  # as most of ImageNet's
GRAIN = 12  # levels of noise that make a JPEG of them as large as a photograph's
TEXTURES, TRAINING, VALIDATION, CLASSES = 60, 2000, 64, 8


def prepared(folder: Path, size: Size, data: str | None) -> Inputs:
    """Everything in a folder; what is there already is not made again. Images are `data`'s where that is given."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "vgg16.safetensors"
    if not weights.exists():
        state = initial_net("vgg16", wnids(), None, size.width, 0.0, seed=0, frozen=False).state_dict()
        known = TrainingScale(256, 512), NAMED["caffe"], wnids()
        save_weights(weights, Weights(str(weights), state, "vgg16", size.width, *known), {})
    if not (folder / "textures").exists():
        textures(folder / "textures")
    make(folder / "images", folder / "textures", size.made)
    learnt = min(size.made, TRAINING)
    training = f"folder:{training_set(folder, learnt)}"
    return Inputs(data or f"list:{listed(folder / 'images', size.made)}", training, learnt, weights)


def textures(folder: Path) -> None:
    """Smooth shapes under fine noise, in the sizes of photographs."""
    folder.mkdir()
    for number in range(TEXTURES):
        chance = np.random.default_rng(number)
        width, height = SIZES[number % len(SIZES)]
        coarse = Image.fromarray(chance.integers(0, 256, (9, 12, 3), np.uint8))
        smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32)
        noisy = smooth + chance.normal(0, GRAIN, (height, width, 1))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{number:02d}.png")


def training_set(folder: Path, count: int) -> Path:
    """Links to the first `count` images: the last few of them for validation."""
    root = folder / "training"
    for number in range(count):
        split = "val" if number >= count - min(VALIDATION, count // 2) else "train"
        link = root / split / f"class{number % CLASSES}" / f"{number}.JPEG"
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(path(folder / "images", number).absolute())
    return root
