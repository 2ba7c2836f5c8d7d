"""The state dict in a TorchScript archive. Its program is never run: values alone are read, whatever their classes."""

import pickle
import re
import zipfile
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import torch

from bench.errors import UserError
from bench.nets.formats.contents import members
from bench.nets.state_dict_choice import state_in
from bench.nets.state_dicts import PROGRAM, State, plain_state
from bench.nets.weights import Weights

TYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
MOST_PICKLE = 1 << 24  # bytes; it holds names and shapes, no values
MOST_VALUES = 100_000  # attributes of all modules
MOST_NAME = 1000  # characters; a module may hold itself


def is_torchscript(path: Path) -> bool:
    """Whether a file is an archive of `torch.jit.save`."""
    return any(PROGRAM.search(name) for name in members(path))


def read_torchscript(spec: str, path: Path, model: str | None, key: str | None) -> Weights:
    """The parameters and buffers of an archive, or those under `key`. Raises UserError."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = _Values(archive, path.stat().st_size).load()
    except Exception as error:  # a broken file may raise anything
        why = " ".join(str(error).split())[:100]
        said = f"a TorchScript archive whose values cannot be read ({why})"
        raise UserError(f"weights '{spec}': {said}; give torch.jit.load(FILE).state_dict(), saved") from None
    if not found:
        raise UserError(f"weights '{spec}': a TorchScript archive without parameters, such as a frozen one")
    state = state_in(spec, found, key)
    return Weights(source=spec, state=plain_state(spec, state, path.stat().st_size), key=key)


class _Module:
    """What stands for any module of the archive: its attributes."""

    def __init__(self) -> None:
        self.held: Any = {}

    def __setstate__(self, held: Any) -> None:
        self.held = held


class _Values(pickle._Unpickler):  # Python's own, whose memory follows what it has read
    """Reads the pickle of an archive: modules as their attributes, tensors, and plain values."""

    # the only operation that takes memory for what it has not read
    dispatch: ClassVar[dict] = {
        code: do for code, do in pickle._Unpickler.dispatch.items() if code != pickle.BYTEARRAY8[0]
    }

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self.archive = archive
        self.storages: dict[str, torch.Tensor] = {}
        data = next(each for each in archive.infolist() if re.fullmatch(r"[^/]+/data\.pkl", each.filename))
        held = [each for each in archive.infolist() if each.filename.startswith(data.filename.removesuffix(".pkl"))]
        if (
            any(each.compress_type != zipfile.ZIP_STORED for each in held)
            or sum(each.file_size for each in held) > size
        ):
            raise ValueError("it would unpack to more than it is")
        if data.file_size > MOST_PICKLE:
            raise ValueError(f"data.pkl of {data.file_size} bytes")
        self.folder = data.filename.removesuffix("data.pkl") + "data/"
        super().__init__(BytesIO(archive.read(data)))

    def load(self) -> State:
        """The tensors of the module that was saved, by the way to them."""
        state: State = {}
        todo: list[tuple[str, Any]] = [("", super().load())]
        seen = 0
        while todo:
            way, value = todo.pop(0)
            for name, each in value.held.items() if isinstance(value, _Module) else ():
                seen += 1
                if seen > MOST_VALUES or len(way) + len(name) > MOST_NAME:
                    raise ValueError("modules without end")
                if isinstance(each, torch.Tensor):
                    state[f"{way}{name}"] = each
                elif isinstance(each, _Module):
                    todo.append((f"{way}{name}.", each))
        return state

    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            return type("Module", (_Module,), {})
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, stride, *_: storage.as_strided(shape, stride, offset)
        if module == "torch._utils" and name == "_rebuild_parameter":
            return lambda value, *_: value
        if module == "torch" and name in TYPES:
            return TYPES[name]
        if module == "torch.jit._pickle":  # lists whose elements have a type
            return lambda values, *_: values
        if (module, name) == ("collections", "OrderedDict"):
            return type("OrderedDict", (OrderedDict,), {})
        raise ValueError(f"it holds {module}.{name}"[:100])

    def persistent_load(self, pid: Any) -> torch.Tensor:
        """A storage, as a tensor of one dimension."""
        _, kind, name, _, count = pid
        if name not in self.storages:
            data = bytearray(self.archive.read(f"{self.folder}{name}"))
            values = torch.frombuffer(data, dtype=kind) if data else torch.empty(0, dtype=kind)
            if values.numel() != count:
                raise ValueError(f"storage {name} has {values.numel()} values and should have {count}")
            self.storages[name] = values
        return self.storages[name]
