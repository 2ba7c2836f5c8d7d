"""Tars of small images for tests: of folders that were drawn, and of members as they are given."""

import tarfile
from io import BytesIO
from pathlib import Path

from PIL import Image


def png(shade: int = 0) -> bytes:
    file = BytesIO()
    Image.new("RGB", (8, 6), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def tar_of(file: Path, members: dict[str, bytes | str | tarfile.TarInfo]) -> Path:
    """A tar of members by their names: contents, texts, or headers of what has none."""
    with tarfile.open(file, "w") as tar:
        for name, content in members.items():
            add(tar, name, content)
    return file


def add(tar: tarfile.TarFile, name: str, content: bytes | str | tarfile.TarInfo) -> None:
    if isinstance(content, tarfile.TarInfo):
        content.name = name
        tar.addfile(content)
        return
    content = content.encode() if isinstance(content, str) else content
    header = tarfile.TarInfo(name)
    header.size = len(content)
    tar.addfile(header, BytesIO(content))


def packed(folder: Path, file: Path) -> Path:
    """A folder as `tar -C FOLDER .` packs it."""
    with tarfile.open(file, "w") as tar:
        tar.add(folder, ".")
    return file


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    header = tarfile.TarInfo()
    header.type, header.linkname = kind, target
    return header
