"""State dicts from anywhere: made plain, or refused before they cost memory."""

import zipfile
from pathlib import Path

import torch

from bench.errors import UserError

State = dict[str, torch.Tensor]
PREFIXES = ("module.", "_orig_mod.")  # of nets wrapped for several GPUs, and of compiled ones
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
SHARED = 4  # how often values may be shared among tensors, on average


def plain_state(spec: str, state: State) -> State:
    """The state dict without prefixes that all names share, floats as float32; `spec` names it in messages.

    Raises UserError for tensors of other kinds, for values that are not finite, and for more than the file can hold.
    """
    _refuse_odd(spec, state)
    while prefix := next((each for each in PREFIXES if state and all(name.startswith(each) for name in state)), ""):
        state = {name.removeprefix(prefix): value for name, value in state.items()}
    state = {name: value.detach() for name, value in state.items()}  # old files hold parameters, not tensors
    state = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    for name, value in state.items():
        if not torch.isfinite(value).all():
            raise UserError(f"weights '{spec}': {name} holds values that are not finite; these weights cannot classify")
    return state


def refuse_bomb(spec: str, path: Path) -> None:
    """Raise UserError for an archive whose members are larger than itself: torch stores them as they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # an older format, or nothing that torch can read
    if unpacked > path.stat().st_size:
        raise UserError(f"weights '{spec}': would unpack to {unpacked} bytes; give a file that torch.save wrote")


def _refuse_odd(spec: str, state: State) -> None:
    claimed, storages = 0, {}
    for name, value in state.items():
        plain = value.layout == torch.strided and value.device.type == "cpu" and not value.is_nested
        if not plain or value.dtype not in (*FLOATS, *WHOLE):
            kind = f"{value.dtype}, {value.layout}, {value.device.type}".replace("torch.", "")
            raise UserError(f"weights '{spec}': {name} is no plain tensor ({kind}); give float32 or half precision")
        claimed += value.numel() * value.element_size()
        storages[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
    held = sum(storages.values())
    if claimed > SHARED * held:  # a few bytes can be stretched to any shape
        raise UserError(f"weights '{spec}': tensors of {claimed} bytes on {held} bytes of values; give a state dict")
