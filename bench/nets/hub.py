"""`hf:OWNER/REPO[@REV][:FILE]`: files from the Hugging Face hub, out of its cache where they are there."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import UserError
from bench.extras import needed
from bench.nets.formats.shards import shards_of
from bench.nets.hub_configs import read_config
from bench.progress import downloading

PREFIX = "hf:"
PLACE = re.compile(r"hf:([\w.-]+/[\w.-]+)(?:@([\w./-]+))?(?::([\w./ -]+))?")
FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")  # as libraries call them
CONFIGS = ("config.json", "preprocessor_config.json")
FORM = "give hf:OWNER/REPO, hf:OWNER/REPO@REVISION or hf:OWNER/REPO:FILE"


def is_hub(spec: str) -> bool:
    """Whether a place of weights is one of the hub's."""
    return spec.startswith(PREFIX)


def fetch(spec: str) -> tuple[Path, dict[str, Any]]:
    """The file of weights, and what the configuration beside it says, by the fields of `Weights`. Raises UserError."""
    found = PLACE.fullmatch(spec)
    if not found or any(part in ("", "..") for part in (found[3] or "x").split("/")):
        raise UserError(f"weights '{spec}': {FORM}")
    repository = _Repository(spec, found[1], found[2], needed("huggingface_hub", "hub"))
    names = (found[3],) if found[3] else FILES
    path = next(filter(None, map(repository.cached, names)), None) or next(
        filter(None, map(repository.file, names)), None
    )
    if path is None:
        what = "no such file" if found[3] else f"none of {', '.join(FILES)}; name one, {spec}:FILE"
        raise UserError(f"weights '{spec}': the repository has {what}")
    if path.name.endswith(".index.json"):
        folder = (found[3] or "").rpartition("/")[0]
        for name in shards_of(spec, path):
            repository.file(f"{folder}/{name}".lstrip("/"))
    configs = [repository.file(name, optional=True) for name in CONFIGS]
    return path, read_config(spec, *configs)


@contextmanager
def _in_silence() -> Iterator[None]:
    """What the hub's client would log of a failure is said in the error's one line."""
    log = logging.getLogger("huggingface_hub")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


class _Repository:
    """One revision of a repository; `hub` is the module."""

    def __init__(self, spec: str, name: str, revision: str | None, hub: ModuleType) -> None:
        self.spec, self.name, self.revision, self.hub = spec, name, revision, hub

    def cached(self, name: str) -> Path | None:
        """A file in the cache."""
        found = self.hub.try_to_load_from_cache(self.name, name, revision=self.revision)
        return Path(found) if isinstance(found, str) else None

    def file(self, name: str, optional: bool = False) -> Path | None:
        """A file from the cache, else downloaded; None where the repository has none. Raises UserError."""
        if found := self.cached(name):
            return found
        errors = needed("huggingface_hub.errors", "hub")
        try:
            with downloading(), _in_silence():
                return Path(self.hub.hf_hub_download(self.name, name, revision=self.revision))
        except errors.LocalEntryNotFoundError:  # of the kind below, but nobody was asked
            if optional:
                return None
            raise UserError(
                f"weights '{self.spec}': not in the cache, and the hub cannot be reached; fetch {name} of {self.name} "
                "and give the file"
            ) from None
        except errors.EntryNotFoundError:
            return None
        except errors.RevisionNotFoundError:
            raise UserError(f"weights '{self.spec}': {self.name} has no revision {self.revision}") from None
        except errors.RepositoryNotFoundError:
            raise UserError(
                f"weights '{self.spec}': the hub has no {self.name}, or not for everybody; {FORM}"
            ) from None
        except Exception as error:  # the hub's client or the network may raise anything
            why = " ".join(str(error).split())[:150]
            raise UserError(f"weights '{self.spec}': {name} cannot be fetched ({why}); {FORM}") from None
