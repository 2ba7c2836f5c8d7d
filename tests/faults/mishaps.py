"""What may happen to a process: it dies in a chosen moment, or its disk fails; called before its work begins."""

import errno
import io
import os
import random
import signal
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

MOMENTS = ("half written", "written", "renamed")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(seconds: float) -> None:
    threading.Timer(seconds, die).start()


def interrupt_after(seconds: float, folder: Path) -> None:
    """Press Ctrl-C, which all of a terminal's processes get, while the command is at work; `folder/pressed` says so."""
    from bench import interrupt

    def press() -> None:
        while signal.getsignal(signal.SIGINT) is not interrupt._note:
            time.sleep(0.001)
        time.sleep(seconds)
        if signal.getsignal(signal.SIGINT) is interrupt._note:  # else it is over
            (folder / "pressed").touch()
            os.killpg(0, signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    os.setpgrp()
    threading.Thread(target=press, daemon=True).start()


def die_in_writing(number: int, moment: str, seed: int) -> None:
    """Die in the writing of a file that is set aside, the number of which is counted from 1."""
    flush, rename = os.fsync, Path.replace
    writings = 0

    def dying_flush(descriptor: int) -> None:
        nonlocal writings
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            writings += 1
            if writings == number and moment == "half written":
                os.ftruncate(descriptor, random.Random(seed).randrange(os.fstat(descriptor).st_size))
            if writings == number and moment != "renamed":
                die()
        flush(descriptor)

    def dying_rename(aside: Path, path: Path) -> None:
        rename(aside, path)
        if writings == number:
            die()

    os.fsync, Path.replace = dying_flush, dying_rename  # type: ignore[assignment, method-assign]


def fill_disk(room: int) -> None:
    """From now on the disk takes this many bytes of what is set aside, and not one more."""
    opened = Path.open

    class Full(io.FileIO):
        def write(self, data) -> int:  # type: ignore[override]
            nonlocal room
            if len(data) and not room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            taken = min(room, len(data))
            room -= taken
            return super().write(memoryview(data)[:taken])

    def open_on_full_disk(path: Path, mode: str = "r", *more, **named):
        return io.BufferedWriter(Full(path, "w")) if mode == "wb" else opened(path, mode, *more, **named)

    Path.open = open_on_full_disk  # type: ignore[method-assign, assignment]


def fill_output() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def forbid_writing(folder: Path) -> None:
    """The folder is on a file system that can only be read; an administrator's rights do not help there."""
    opened, made, allowed = Path.open, os.mkdir, os.access

    def refuse(path) -> None:
        if Path(path).is_relative_to(folder):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    def open_to_read(path: Path, mode: str = "r", *more, **named):
        if set(mode) & set("wax+"):
            refuse(path)
        return opened(path, mode, *more, **named)

    def make_nothing(path, *more, **named) -> None:
        if not os.path.exists(path):  # else the system says that it is there
            refuse(path)
        made(path, *more, **named)

    def may(path, mode, *more, **named) -> bool:
        return not (mode & os.W_OK and Path(path).is_relative_to(folder)) and allowed(path, mode, *more, **named)

    Path.open, os.mkdir, os.access = open_to_read, make_nothing, may  # type: ignore[method-assign, assignment]


def lose_sector(lost: Path) -> None:
    """The disk cannot read a file any more, until it is written anew."""
    read, written = Path.read_bytes, lost.stat().st_ino

    def read_around(path: Path) -> bytes:
        if path == lost and path.stat().st_ino == written:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(path)

    Path.read_bytes = read_around  # type: ignore[method-assign]


def do_nothing() -> None:
    pass


def wait_at_work(file: str = os.devnull) -> None:
    """A worker that has hours of work before it; once it is there it says in a file which process it is."""
    import bench.engine.part_blocks

    bench.engine.part_blocks.GroupWork = lambda *_: (Path(file).write_text(str(os.getpid())), time.sleep(600))  # type: ignore[assignment,misc]


def take_threads(count: int) -> None:
    """As many as OMP_NUM_THREADS would have it on another machine."""
    import torch

    torch.set_num_threads(count)


def look_often(fault: Callable[[], object]) -> None:
    """Signs of life in another rhythm, for a test that is quick."""
    import bench.engine.heartbeat

    bench.engine.heartbeat.BEAT, bench.engine.heartbeat.SILENCE = 0.1, 5.0
    fault()


def die_at_the_first_block(file: str = os.devnull) -> None:
    """And touch a file then."""
    import bench.engine.part_blocks

    bench.engine.part_blocks.GroupWork = lambda *_: (Path(file).write_text("died"), die())  # type: ignore[assignment,misc]


def stop_at_the_first_block() -> None:
    """Neither dead nor alive, as a machine that lost its network."""
    import bench.engine.part_blocks

    bench.engine.part_blocks.GroupWork = lambda *_: os.kill(os.getpid(), signal.SIGSTOP)  # type: ignore[assignment,misc]


def join_at_once() -> None:
    from datetime import timedelta

    import bench.engine.workers

    bench.engine.workers.JOINING = timedelta(seconds=2)


def wait_shortly() -> None:
    import bench.engine.agreement

    bench.engine.agreement.PATIENCE = 1.0


def see_late(seconds: float) -> None:
    """A network's file system: what others wrote is seen a while after it is first looked for in vain."""
    exists, read, looked, own = os.path.exists, Path.read_bytes, {}, set()
    rename = Path.replace

    def late(path) -> bool:
        path = Path(path)
        if path in own or "store" not in path.parts or not exists(path):
            return False
        return time.monotonic() < looked.setdefault(path, time.monotonic()) + seconds

    def read_late(path: Path) -> bytes:
        if late(path):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return read(path)

    def renamed(aside: Path, path: Path) -> None:
        own.add(path)
        rename(aside, path)

    os.path.exists = lambda path: not late(path) and exists(path)
    Path.read_bytes, Path.replace = read_late, renamed  # type: ignore[method-assign, assignment]
