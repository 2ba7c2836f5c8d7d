"""Names as text, the same under every locale: files' names are bytes, which Python decodes by the locale's encoding."""

import os


def text_of(name: str) -> str:
    """A file's name, or part of a path, in UTF-8; bytes that are none stay as surrogates."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def mended(name: str) -> str:
    """A name in which bytes were kept as surrogates, under an ASCII locale, though they are letters in UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def path_of(text: str) -> str:
    """The part of a path that a text in UTF-8 names."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))
