"""What came of a data set from strangers."""

from bench.errors import UserError
from bench.images.decoding import UndecodableError, read
from bench.images.image_source import Source
from bench.images.sources import DataSpec, open_data


def outcome(data: str) -> str:
    """`refused`, or how many of its images there are and cannot be read; anything else fails."""
    try:
        images = open_data(DataSpec(data))
    except UserError as error:
        return "refused" if "\n" not in str(error) else str(error)
    return f"{len(images)} images, {sum(map(undecodable, images.sources))} undecodable"


def undecodable(source: Source) -> bool:
    try:
        read(source)
    except UndecodableError:
        return True
    return False
