"""Images prepared ahead of the net: decoded once, rescaled to every Q that is wanted, on the host's threads."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch

from bench.images.dataset import Images, Place
from bench.images.decoding import (
    RangelessError,
    UndecodableError,
    UnreadableError,
    converted,
    opened,
    rescalable,
    size_of_opened,
)
from bench.images.pixels import size_of, tensor_of
from bench.images.python_image import PythonImage
from bench.images.rescaling import rescale
from bench.images.scaling import Scaling
from bench.images.survey import USUAL, Header, header_of
from bench.progress import progress
from protocols.view import Size

AHEAD = 1 << 28  # bytes of a block that the next one may be prepared beside
ToPrepare = tuple[Sequence[int], Sequence[Scaling]]  # a block: image indices, how they are rescaled
NOTHING: ToPrepare = ((), ())


@dataclass(frozen=True)
class Prepared:
    """An image's original size and its pixels by how they were rescaled, uint8 RGB (3, h, w).

    `name` is its file's, for messages; `header` says how it is read: what its file's header has of that.
    """

    size: Size
    at: dict[Scaling, torch.Tensor]
    name: str = ""
    header: Header = USUAL


class Loader:
    """Threads that prepare images; `blocks` keeps one block of look-ahead.

    A file that cannot be read, for a lack of rights or a failing disk, is an error; if `forgiving`, it counts as one
    that cannot be decoded. `why` says by index what is wrong with these; `explained` are
    those of which a list of their names says it too.
    """

    def __init__(self, images: Images, threads: int, forgiving: bool = False) -> None:
        self.images = images
        self.threads = threads
        self.forgiving = forgiving
        self.why: dict[int, str] = {}
        self.explained: set[int] = set()
        one = partial(torch.set_num_threads, 1)  # else each has a team as large as the machine
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="decode", initializer=one)

    def blocks(self, wanted: Sequence[ToPrepare]) -> Iterator[list[Prepared | None]]:
        """For each (image indices, scalings) the prepared images in order; None stands for one that cannot be decoded.

        The next block is prepared meanwhile, as far as memory allows: all of it where this one is small, else a few.
        """
        ahead: list[Future[Prepared | None]] = []
        for block, following in pairwise([*wanted, NOTHING]):
            futures = ahead + self._begin(block, len(ahead))
            ahead = self._begin(following, 0, self.threads)
            if sum(_weight(future.result()) for future in futures) <= AHEAD:
                ahead += self._begin(following, len(ahead))
            yield _taken(futures)

    def _begin(self, block: ToPrepare, start: int, stop: int | None = None) -> list[Future[Prepared | None]]:
        """Begin with a block's images from number `start` on, to `stop` or the last."""
        indices, scales = block
        return [self.pool.submit(self._prepared, i, scales) for i in indices[start:stop]]

    def _prepared(self, i: int, scales: Sequence[Scaling]) -> Prepared | None:
        try:
            return _prepare(self.images.place(i), scales)
        except UndecodableError as error:
            self.why[i] = str(error)
            if isinstance(error, RangelessError) or isinstance(self.images.sources[i], PythonImage):
                self.explained.add(i)
        except UnreadableError as error:
            if not self.forgiving:
                raise
            self.why[i] = error.why
        return None

    def undecodable(self) -> list[str]:
        """Ids of all images that cannot be decoded, with the reason where it is not that; reads every one."""
        readable = self.pool.map(lambda i: self._prepared(i, ()) is not None, range(len(self.images)))
        checked = progress(readable, len(self.images), "checking all images")
        bad = [i for i, fine in enumerate(checked) if not fine]
        return [self.images.ids[i] + (f" ({self.why[i]})" if i in self.explained else "") for i in bad]

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)


def _taken(futures: list[Future[Prepared | None]]) -> list[Prepared | None]:
    """The results in order, and nothing here that keeps them any longer."""
    found = [future.result() for future in futures]
    futures.clear()
    return found


def _weight(image: Prepared | None) -> int:
    return sum(pixels.nbytes for pixels in image.at.values()) if image else 0


def _prepare(place: Place, scales: Sequence[Scaling]) -> Prepared:
    """Raises UndecodableError, and UnreadableError for what may pass."""
    source, box, exif = place
    with opened(source, box) as image:
        rescalable(size_of_opened(image, box))
        header = header_of(image)
        whole = tensor_of(converted(image, box, exif))
        return Prepared(size_of(whole), {each: rescale(whole, each) for each in scales}, str(source), header)
