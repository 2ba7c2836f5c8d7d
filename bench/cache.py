"""Where things are kept that can be made again: rendered splits and stored posteriors."""

from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """The user's cache folder for this project (`XDG_CACHE_HOME` moves it on Linux)."""
    return user_cache_path("vgg-protocols")
