"""State dicts from anywhere: made plain, or refused before they cost memory."""

import codecs
import math
import mmap
import pickletools
import re
import tarfile
import zipfile
from pathlib import Path

import torch

from bench.errors import UserError

State = dict[str, torch.Tensor]
PREFIX = "module."  # of nets wrapped for several GPUs, and of averaged ones
WRAPPERS = re.compile(r"(^|(?<=\.))(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")  # of any module
AVERAGING = ("n_averaged", "num_updates", "updates", "decay", "initted", "step")  # what averages keep beside their net
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
ENCODE = b"_codecs\nencode\n"
GROWING = re.compile(rb"\nbytearray\n|" + ENCODE)  # torch allows the call: of a few bytes any number
LATIN = codecs.lookup("latin1").name
PROGRAM = re.compile(r"(^|/)constants\.pkl$", re.IGNORECASE)  # by this torch knows TorchScript
FOREIGN = {
    **dict.fromkeys((".pb", ".tflite", ".index"), "TensorFlow"),
    ".npy": "NumPy",
    ".onnx": "ONNX",
    ".msgpack": "Flax",
    ".t7": "Lua's Torch",
    ".distcp": "a distributed checkpoint, one of several shards",
}
SHARED = 4  # how often values may be shared among tensors, on average


def plain_state(spec: str, state: State, size: float = math.inf) -> State:
    """The state dict without wrappers' prefixes and averages' counters, floats as float32; `spec` names it in messages.

    `size` is its file's in bytes. Raises UserError for tensors of other kinds, for values that are not finite, and for
    more than the file can hold.
    """
    _refuse_odd(spec, state, size)
    state = {name: value.detach() for name, value in unwrapped(state).items()}  # old files hold parameters, not tensors
    state = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    for name, value in state.items():
        if not torch.isfinite(value).all():
            raise UserError(f"weights '{spec}': {name} holds values that are not finite; these weights cannot classify")
    return state


def unwrapped(state: State) -> State:
    """The state dict under the net's own names: without what wrappers put before them, and counters beside them."""
    plain = {WRAPPERS.sub("", name): value for name, value in state.items()}
    state = plain if len(plain) == len(state) else state  # else a net is there wrapped and bare
    while state:
        counters = [name for name in AVERAGING if name in state and state[name].numel() == 1]
        state = {name: value for name, value in state.items() if name not in counters}
        if not state or not all(name.startswith(PREFIX) for name in state):
            break
        state = {name.removeprefix(PREFIX): value for name, value in state.items()}
    return state


def shape_text(value: torch.Tensor) -> str:
    """A tensor's shape for messages: `64x3x3x3`."""
    return "x".join(map(str, value.shape)) or "a number"


def refuse_foreign(spec: str, path: Path, suffixes: tuple[str, ...]) -> None:
    """Raise UserError for what is no file of one of the suffixes, by its name or first bytes."""
    give = f"give auto, torchvision:NAME, builtin:NAME, hf:OWNER/REPO, or a file {' '.join(suffixes)}"
    whose = FOREIGN.get(path.suffix.lower())
    if whose:
        raise UserError(f"weights '{spec}': a file of {whose}, not of torch; convert it and {give}")
    if path.is_dir():
        raise UserError(f"weights '{spec}': a folder; {give}")
    if not path.name.lower().endswith(suffixes):
        raise UserError(f"weights '{spec}': {give}")
    if not path.is_file():
        raise UserError(f"weights '{spec}': there is no such file")


def refuse_bomb(spec: str, path: Path) -> None:
    """Raise UserError for a file that asks for more memory than it has bytes, or is run, before it is loaded."""
    with path.open("rb") as file:
        archive = file.read(4) == b"PK\3\4"  # so torch tells the formats apart
    if not archive and tarfile.is_tarfile(path):  # torch's oldest format, which before 2.6 is no plain pickle to it
        raise UserError(f"weights '{spec}': cannot be read (an archive of tar); give a plain state dict")
    if _archive_grows(spec, path) if archive else _whole_grows(path):
        raise UserError(f"weights '{spec}': holds more than tensors; give a plain state dict")


def _archive_grows(spec: str, path: Path) -> bool:
    """Whether its pickle calls what grows. Raises UserError also where its members are larger than itself."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(PROGRAM.search(each.filename) for each in members):  # torch before 2.6 runs it
                raise UserError(f"weights '{spec}': cannot be read (a TorchScript archive); give a plain state dict")
            unpacked = sum(member.file_size for member in members)
            if unpacked > path.stat().st_size:  # torch stores them as they are
                said = f"would unpack to {unpacked} bytes; give a file that torch.save wrote"
                raise UserError(f"weights '{spec}': {said}")
            pickles = [each for each in members if each.filename.lower().endswith(".pkl")]  # torch ignores case too
            return any(_grows(archive.read(each)) for each in pickles)
    except UserError:
        raise
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': cannot be read ({' '.join(str(error).split())[:100]})") from None


def _grows(pickled: bytes) -> bool:
    """Whether a pickle may call what grows. Numbers of numpy come as text that is encoded once, which does not."""
    calls = set(GROWING.findall(pickled))
    if calls != {ENCODE}:
        return bool(calls)
    texts = {argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)}
    return any(_codec(text) not in (None, LATIN) for text in texts)


def _codec(text: str) -> str | None:
    """The name of the codec that a text names."""
    try:
        return codecs.lookup(text).name
    except (LookupError, ValueError):
        return None


def _whole_grows(path: Path) -> bool:
    """The same of the older format, which has pickles anywhere."""
    if not path.stat().st_size:
        return False  # cannot be mapped
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return GROWING.search(content) is not None


def _refuse_odd(spec: str, state: State, size: float) -> None:
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
    if held > size:
        raise UserError(f"weights '{spec}': tensors of {held} bytes in a file of {size}; give a plain state dict")
