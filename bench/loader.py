"""Images prepared ahead of the net: decoded once, rescaled to every Q that is wanted, on the host's threads."""

import errno
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from bench.data import Images
from bench.errors import UserError
from bench.pixels import decode, rescale, size_of
from bench.progress import progress
from protocols.view import Box, Size

DECODE_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
# what is wrong with the file itself; PIL's own errors have no number, a failing disk or a lost network has others
LASTING = (None, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENXIO)


@dataclass(frozen=True)
class Prepared:
    """An image's original size and its rescaled pixels by Q, uint8 RGB (3, h, w)."""

    size: Size
    at: dict[int, torch.Tensor]


class Loader:
    """Threads that prepare images; `blocks` keeps one block of look-ahead."""

    def __init__(self, images: Images, threads: int) -> None:
        self.images = images
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")

    def blocks(self, wanted: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Iterator[list[Prepared | None]]:
        """For each (image indices, Qs) the prepared images in order; None stands for one that cannot be decoded."""
        ahead: deque[list[Future[Prepared | None]]] = deque()
        for indices, scales in wanted:
            ahead.append([self.pool.submit(_prepare, *self.images.place(i), scales) for i in indices])
            if len(ahead) > 1:
                yield [future.result() for future in ahead.popleft()]
        while ahead:
            yield [future.result() for future in ahead.popleft()]

    def undecodable(self) -> list[str]:
        """Ids of all images that cannot be decoded; reads every one."""
        readable = self.pool.map(lambda i: _prepare(*self.images.place(i), ()) is not None, range(len(self.images)))
        checked = progress(readable, len(self.images), "checking all images")
        return [name for name, fine in zip(self.images.ids, checked, strict=True) if not fine]

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)


def _prepare(path: Path, box: Box | None, scales: Sequence[int]) -> Prepared | None:
    try:
        image = decode(path, box)
    except DECODE_ERRORS as error:
        if isinstance(error, OSError) and error.errno not in LASTING:
            raise UserError(f"image '{path}' cannot be read: {error.strerror}; mend that and run again") from None
        return None
    return Prepared(size_of(image), {Q: rescale(image, Q) for Q in scales})
