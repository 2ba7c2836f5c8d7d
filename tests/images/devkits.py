"""Ten of ImageNet's validation images, and what its devkit and others say of them."""

import tarfile
from io import BytesIO
from pathlib import Path

NAMES = tuple(f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 11))
DEVKIT = (490, 361, 171, 822, 297, 482, 13, 704, 599, 164)  # as published, of the first ten images
SORTED = (65, 970, 230, 809, 516, 57, 334, 415, 674, 332)  # the first ten as everybody's weights count
TRUTH = "ILSVRC2012_validation_ground_truth.txt"
UNPACKED = "ILSVRC2012_devkit_t12"
PACKED = f"{UNPACKED}.tar.gz"


def lines(labels) -> str:
    return "".join(f"{label}\n" for label in labels)


def packed(archive: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{UNPACKED}/data/{name}")
            member.size = len(content)
            tar.addfile(member, BytesIO(content))


def said(labels, names=NAMES) -> str:
    return "".join(f"{name} {label}\n" for name, label in zip(names, labels, strict=True))
