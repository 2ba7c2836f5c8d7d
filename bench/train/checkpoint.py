"""What a killed training goes on from: a file that is replaced whole after every epoch."""

from io import BytesIO
from pathlib import Path

import torch

from bench.errors import UserError
from results.atomic_files import write_atomically


def keep(path: Path, state: dict) -> None:
    """Put a checkpoint in the place of the last. Raises OSError; torch itself has other errors for a full disk."""
    file = BytesIO()
    torch.save(state, file)
    write_atomically(path, file.getbuffer())


def resume(path: Path, recipe: dict[str, str]) -> dict | None:
    """What was kept, or None where nothing was. Raises UserError where it is of a training with another recipe."""
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        begun = {"dtype": "fp32", **state["recipe"]}  # those of before do not say it
    except Exception as error:  # a broken file may raise anything
        why = " ".join(str(error).split())[:100]
        raise UserError(f"checkpoint '{path}' cannot be read ({why}); remove it, or give another --out") from None
    for option, value in recipe.items():
        if begun.get(option) != value:
            raise UserError(
                f"--{option.replace('_', '-')} {value}: {path} was begun with {begun.get(option)}; "
                "give that, or another --out"
            )
    return state
