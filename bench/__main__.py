"""`vgg-protocols COMMAND ...`, or `python -m bench COMMAND ...`: every command of the package by its name."""

import sys
from difflib import get_close_matches
from importlib import import_module

from bench.version import __version__

COMMANDS = (
    "run",
    "predict",
    "transfer",
    "train",
    "inspect",
    "compare",
    "report",
    "tables",
    "systems",
    "speed",
    "gate",
    "convert",
)


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    name = words[0] if words else "--help"
    if name in COMMANDS:
        return import_module(f"bench.{name}.__main__").main(words[1:])
    if name in ("-h", "--help"):
        print(_help())
        return 0
    if name == "--version":
        print(f"vgg-protocols {__version__}")
        return 0
    near = get_close_matches(name, COMMANDS, 1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    print(f"vgg-protocols: error: no command {name!r}; give one of {', '.join(COMMANDS)}{meant}", file=sys.stderr)
    return 2


def _help() -> str:
    """A line for each command, as its module begins."""
    about = {name: (import_module(f"bench.{name}.__main__").__doc__ or "").splitlines()[0] for name in COMMANDS}
    lines = [f"  {name:<9}{line.partition(': ')[2].rstrip('.')}" for name, line in about.items()]
    usage = "usage: vgg-protocols COMMAND ...\n\nEvaluation under the test protocols of the VGG paper."
    return "\n".join(
        [usage, "", *lines, "", "vgg-protocols COMMAND --help says the rest; --version which version it is."]
    )


if __name__ == "__main__":
    sys.exit(main())
