"""The kinds of sets that `--data` takes: how each is read, and what `--list data` says of it."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.cache import cache_folder
from bench.errors import UserError
from bench.images.data_spec import DataSpec
from bench.images.dataset import Images
from bench.images.kind import HUB, Kind, at, own_spelling, path_of
from bench.images.sets.catsdogs import read_all_catsdogs, read_catsdogs
from bench.images.sets.folder import parts_within, read_folder, read_whole
from bench.images.sets.hub import parse_hub, read_hub, read_whole_hub
from bench.images.sets.imagenet import read_imagenet, read_imagenette, read_tiny_imagenet
from bench.images.sets.imagenet_c import read_corrupted
from bench.images.sets.imagenet_o import both_sets, read_outside
from bench.images.sets.imagenet_relatives import read_relative
from bench.images.sets.imagenet_v2 import read_imagenet_v2
from bench.images.sets.lists import Columns, parts_of_list, read_list, read_whole_list
from bench.images.sets.mnist import read_mnist
from bench.images.sets.objectnet import read_objectnet
from bench.images.sets.parquet import read_parquet, read_whole_parquet
from bench.images.sets.parquet_files import parts_within as parts_of_parquet
from bench.images.sets.shapes import read_shapes
from bench.images.sets.tar import parts_of_tar, read_tar, read_whole_tar
from bench.images.sets.torch_set import read_torch_set
from bench.images.sets.torch_sets import MORE_CLASSES, SETS
from bench.images.sets.voc import read_voc2007
from bench.images.several_kinds import SEVERAL


def anywhere(source: str) -> str:
    """The same data set, or file of labels (`real:FILE`), named so that it is found from any working folder."""
    kind, _, argument = source.partition(":")
    spelled = KINDS[kind].spelled if kind in KINDS else own_spelling
    return f"{kind}:{spelled(argument)}" if argument else source


def _shapes(spec: DataSpec, part: str) -> Images:
    return read_shapes(part, cache_folder(), spec.limit)


def _imagenet(spec: DataSpec, part: str) -> Images:
    return read_imagenet(path_of(spec.argument), part, spec.allow_duplicates, spec.labels_from)


def _folder_or_cache(spec: DataSpec) -> Path:
    """Where a set is, or is downloaded to. Raises UserError for a folder that is not there: it may be a slip."""
    folder = path_of(spec.argument) if spec.argument else cache_folder()
    if spec.argument and not folder.exists():
        raise UserError(
            f"data {spec.source!r}: the folder {str(folder)!r} is not there; make it to download into it, or give "
            f"{spec.kind} for the cache"
        )
    return folder


def _imagenette(spec: DataSpec, part: str) -> Images:
    return read_imagenette(_folder_or_cache(spec), part, spec.allow_duplicates)


def _mnist(spec: DataSpec, part: str) -> Images:
    return read_mnist(_folder_or_cache(spec), part, cache_folder())


def _outside(spec: DataSpec, _: str, within: Images) -> Images:
    return read_outside(path_of(both_sets(spec.argument)[0]), within, spec.allow_duplicates)


def _outside_spelled(argument: str) -> str:
    folder, within = both_sets(argument)
    return f"{path_of(folder)}+{anywhere(within)}"


def _parts_at(parts: Callable[[Path], Sequence[str]]) -> Callable[[str, Columns], Sequence[str]]:
    return lambda argument, _: parts(path_of(argument))


def _relative(kind: str, about: str) -> Kind:
    return _one_part(partial(read_relative, kind), about)


def _torch_set(kind: str) -> Kind:
    def read(spec: DataSpec, part: str = "val") -> Images:
        return read_torch_set(kind, _folder_or_cache(spec), part, spec.allow_duplicates)

    def read_more(spec: DataSpec) -> Images:
        return read_torch_set(kind, _folder_or_cache(spec), "val", spec.allow_duplicates, MORE_CLASSES[kind])

    to_learn = read_more if kind in MORE_CLASSES else None
    about = f"torchvision's: {SETS[kind].about}"
    return Kind(read, "[:DIR]", about, None if SETS[kind].trained else read, read_to_learn=to_learn)


def _one_part(read: Callable[..., Images], about: str) -> Kind:
    """A set in a folder, of which parts can be made."""
    return Kind(_evaluated(read), ":DIR", about, at(read), evaluation_only=FOR_EVALUATION)


def _evaluated(read: Callable[..., Images]) -> Callable[[DataSpec, str], Images]:
    """A reader of a path that has one part."""
    return lambda spec, _: read(path_of(spec.argument), duplicates=spec.allow_duplicates)


def _listed(read: Callable[..., Images]) -> Callable[..., Images]:
    """A reader of a list."""
    return lambda spec, *part: read(
        path_of(spec.argument), *part, duplicates=spec.allow_duplicates, columns=spec.columns
    )


FOR_EVALUATION = "is for evaluation"
YOURS = {
    "folder": Kind(
        at(read_folder), ":DIR", "one folder per class, in DIR or DIR/val", at(read_whole), _parts_at(parts_within)
    ),
    "list": Kind(
        _listed(read_list),
        ":FILE",
        "lines 'path label' or 'label;path', JSON lines, or a CSV with columns file,label or path,label",
        _listed(read_whole_list),
        lambda argument, columns: parts_of_list(path_of(argument), columns),
    ),
    "tar": Kind(
        at(read_tar),
        ":FILES",
        "class folders in tars, or WebDataset shards, by a pattern such as val-{00..63}.tar",
        at(read_whole_tar),
        _parts_at(parts_of_tar),
    ),
    "parquet": Kind(
        lambda spec, part: read_parquet(path_of(spec.argument), part, spec.columns),
        ":DIR",
        "a hub's shards, by folder, file or pattern: images and labels",
        lambda spec: read_whole_parquet(path_of(spec.argument), spec.columns),
        _parts_at(parts_of_parquet),
    ),
    "hf": Kind(
        lambda spec, part: read_hub(spec.argument, part, spec.columns),
        HUB,
        "a set of the Hugging Face hub, from the cache of its library or downloaded",
        lambda spec: read_whole_hub(spec.argument, spec.columns),
        lambda argument, _: () if parse_hub(argument).split else ("train", "val"),
        spelled=lambda argument: str(parse_hub(argument)),
    ),
}
IMAGENET = {
    "imagenet": Kind(
        _imagenet, ":DIR", "ILSVRC-2012: val/<WordNet id>/*.JPEG, flat or the original tar, with labels or the devkit"
    ),
    "imagenet-v2": _one_part(read_imagenet_v2, "new test images in one of three variants: DIR/<index>/*.jpeg"),
    "imagenet-a": _relative("imagenet-a", "natural adversarial examples; only their 200 classes compete"),
    "imagenet-r": _relative("imagenet-r", "renditions; only their 200 classes compete"),
    "imagenet-sketch": _relative("imagenet-sketch", "sketches of all 1000 classes"),
    "imagenet-c": Kind(
        _evaluated(read_corrupted),
        ":DIR",
        "corruptions of five severities, counted one by one, and mCE",
        evaluation_only=FOR_EVALUATION,
    ),
    "imagenet-o": Kind(
        _outside,
        ":DIR+imagenet:DIR",
        "images of no class, told from ImageNet's by AUPR",
        beside=lambda argument: both_sets(argument)[1],
        spelled=_outside_spelled,
        evaluation_only=FOR_EVALUATION,
    ),
    "objectnet": Kind(
        _evaluated(read_objectnet),
        ":DIR",
        "its 113 classes that are ImageNet's; for evaluation only",
        evaluation_only=f"{FOR_EVALUATION}: its licence forbids to tune the parameters of any model on it",
    ),
    "tiny-imagenet": Kind(at(read_tiny_imagenet), ":DIR", "200 ImageNet classes, 64x64, as handed out or sorted"),
    "imagenette": Kind(_imagenette, "[:DIR]", "ten ImageNet classes, downloaded into DIR or the cache"),
}
OTHERS = {
    "shapes": Kind(_shapes, "", "rendered scenes, 24 classes, made on the spot"),
    "mnist": Kind(_mnist, "[:DIR]", "handwritten digits, downloaded into DIR or the cache; val: the test images"),
    **{kind: _torch_set(kind) for kind in SETS},
    "voc2007": Kind(at(read_voc2007), ":DIR", "objects of Pascal VOC 2007 cut out, in DIR/VOCdevkit/VOC2007"),
    "catsdogs": Kind(
        at(read_catsdogs),
        ":DIR",
        "Kaggle's cat.N.jpg and dog.N.jpg",
        at(read_all_catsdogs),
        _parts_at(parts_within),
    ),
}
GROUPS = {
    "images of yours": YOURS,
    "ImageNet and its relatives": IMAGENET,
    "others": OTHERS,
    "several labels an image, for bench.transfer": SEVERAL,
}
KINDS = {name: kind for group in GROUPS.values() for name, kind in group.items()}
