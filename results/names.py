"""Names as text, the same under every locale: files' names are bytes, which Python decodes by the locale's encoding.

Under an ASCII locale it keeps each byte of a letter as a surrogate.
"""

import os


def text_of(name: str) -> str:
    """The name of a file, or a part of its path, in UTF-8; bytes that are none stay as surrogates."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def mended(text: str) -> str:
    """A text whose surrogates are letters in UTF-8 with these letters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def path_of(text: str) -> str:
    """The part of a path that a text in UTF-8 names."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def unicode_of(text: str) -> str:
    """A text that can be written: bytes that are no letters as their codes, and so is NUL, which CSV cannot hold."""
    return or_same(text).encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def or_same(text: str) -> str:
    """The text mended, if it can be."""
    try:
        return mended(text)
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return text
