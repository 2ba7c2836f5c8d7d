"""Images prepared ahead of the net: decoded once, rescaled to every Q that is wanted, on the host's threads."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

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


@dataclass(frozen=True)
class Prepared:
    """An image's original size and its pixels by how they were rescaled, uint8 RGB (3, h, w).

    `name` is its file's, for messages; `header` says how it is read: what its file's header has of that. `there` are
    the same pixels on a device with memory of its own, where nets are to see them.
    """

    size: Size
    at: dict[Scaling, torch.Tensor]
    name: str = ""
    header: Header = USUAL
    there: Mapping[Scaling, torch.Tensor] = field(default_factory=dict)


Begun = list[Future[Prepared | None]]
Bring = Callable[[Prepared], Prepared]


class Loader:
    """Threads that prepare images, and bring them where nets see them, as `bring` says.

    A file that cannot be read, for a lack of rights or a failing disk, is an error; if `forgiving`, it counts as one
    that cannot be decoded. `why` says by index what is wrong with these; `explained` are
    those of which a list of their names says it too.
    """

    def __init__(self, images: Images, threads: int, forgiving: bool = False, bring: Bring | None = None) -> None:
        self.images = images
        self.threads = threads
        self.forgiving = forgiving
        self.bring = bring
        self.why: dict[int, str] = {}
        self.explained: set[int] = set()
        one = partial(torch.set_num_threads, 1)  # else each has a team as large as the machine
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="decode", initializer=one)

    def blocks(self, wanted: Sequence[ToPrepare], ahead: int = 1) -> Iterator[list[Prepared | None]]:
        """For each (image indices, scalings) the prepared images in order; None stands for one that cannot be decoded.

        Up to `ahead` more blocks are prepared meanwhile, as far as memory allows if they are as large as this one; of
        the next at least a few images.
        """
        begun: defaultdict[int, Begun] = defaultdict(list)
        for number, block in enumerate(wanted):
            self._begin(block, begun[number])
            following = range(number + 1, min(number + 1 + ahead, len(wanted)))
            for later in following[:1]:
                self._begin(wanted[later], begun[later], self.threads)
            weight = sum(_weight(future.result()) for future in begun[number])
            for later in following:
                if (later - number) * weight <= AHEAD:
                    self._begin(wanted[later], begun[later])
            yield _taken(begun.pop(number))

    def _begin(self, block: ToPrepare, begun: Begun, most: int | None = None) -> None:
        """Begin with a block's images behind those that are begun; with `most`, up to so many."""
        indices, scales = block
        begun += [self.pool.submit(self._prepared, i, scales) for i in indices[len(begun) : most]]

    def _prepared(self, i: int, scales: Sequence[Scaling]) -> Prepared | None:
        try:
            image = _prepare(self.images.place(i), scales)
            return self.bring(image) if self.bring else image
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
