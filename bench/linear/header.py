"""Plainly what is learnt, of which nets, on which images: above a written table, and in sentences at a terminal."""

from collections.abc import Iterator, Sequence

from bench.engine.header import about_models, sentences_of_models
from bench.images.dataset import Images
from bench.images.divided import DividedSet, SetPart
from bench.linear.signatures import digest_of
from bench.linear.usual import S_matters
from bench.nets.model import Model
from results.formatting import escaped, shown

BUILT_IN = "shapes"


def sentences(models: Sequence[Model], divided: DividedSet) -> list[str]:
    """For people at a terminal, what nobody stated first."""
    parts = ", ".join(f"{part.name} {_count(part)}" for part in divided.parts)
    said = sentences_of_models(models, _without_S(models, divided))
    said.append(f"The images are {shown(divided.name)}: {parts} (digest {digest_of(divided)[:12]}).")
    if divided.kind == BUILT_IN:
        said.append("They are rendered here and are no photographs: compare the rows with one another alone.")
    return said + [f"Of the data: {shown(note)}." for note in notes(divided)]


def header(models: Sequence[Model], divided: DividedSet) -> list[str]:
    """Lines of Markdown for people."""
    parts = ", ".join(f"{part.name} {_count(part)}" for part in divided.parts)
    what = f"{escaped(divided.name)}: {parts}; {len(divided.classes)} classes; digest {digest_of(divided)[:12]}"
    lines = [*about_models(models, _without_S(models, divided)), f"- Data: {what}"]
    return lines + [f"- Data: {escaped(note)}" for note in notes(divided)]


def notes(divided: DividedSet) -> list[str]:
    """What is to be said of the set and of how its images were read, each once."""
    return list(dict.fromkeys([*divided.notes, *(note for images in _looks(divided) for note in images.told)]))


def _without_S(models: Sequence[Model], divided: DividedSet) -> list[Model]:
    return [model for model in models if not S_matters(model, divided)]


def _count(part: SetPart) -> str:
    """Examples, and of how many where a limit took these."""
    images = part.looks[0].images
    return f"{len(part)}" if len(images) == images.total else f"{len(part)} of {images.total}"


def _looks(divided: DividedSet) -> Iterator[Images]:
    return (look.images for part in divided.parts for look in part.looks)
