"""What a file is by its contents, whatever its name."""

import zipfile
from pathlib import Path

ZIP = b"PK\3\4"


def begins(path: Path, *signs: bytes) -> bool:
    """Whether a file's first bytes are one of `signs`."""
    with path.open("rb") as file:
        return file.read(max(map(len, signs))).startswith(signs)


def members(path: Path) -> list[str]:
    """The names in an archive of zip; none where a file is no such archive, or a broken one."""
    if not begins(path, ZIP):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception:  # a broken file may raise anything
        return []
