"""Nothing needs what only some systems have: Windows and macOS run it too."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"bench", "protocols", "results", "tests"}
ROOMS = ("bench", "protocols", "results")
LINUX_ALONE = {  # modules and names that Windows or macOS lack
    *("crypt", "fcntl", "grp", "msvcrt", "ossaudiodev", "posix", "pty", "pwd", "resource", "spwd", "syslog", "termios"),
    *("tty", "winreg", "_winapi"),
}
NAMES_OF_SOME = {
    *("os.O_DIRECTORY", "os.O_NOFOLLOW", "os.O_NONBLOCK", "os.O_DIRECT", "os.posix_fallocate", "os.posix_fadvise"),
    *("os.fork", "os.forkpty", "os.getuid", "os.geteuid", "os.getgid", "os.getloadavg", "os.getpgid", "os.killpg"),
    *("os.setsid", "os.statvfs", "os.sysconf", "os.sched_getaffinity", "os.uname", "os.mkfifo", "os.memfd_create"),
    *("os.nice", "os.wait", "os.confstr", "os.pread", "os.chown", "os.sendfile", "os.register_at_fork"),
    *("signal.SIGKILL", "signal.SIGHUP", "signal.SIGUSR1", "signal.SIGALRM", "signal.SIGPIPE", "signal.SIGCHLD"),
    *("signal.alarm", "signal.setitimer", "signal.pause", "signal.sigwait", "signal.pthread_sigmask"),
    *("signal.pthread_kill", "signal.SIG_BLOCK", "signal.SIG_SETMASK", "time.tzset", "time.clock_gettime"),
}


def imported(path):
    """Top-level names of all that a file imports, at whatever depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield path.parent.name if node.level else node.module.partition(".")[0]


def used(tree, modules=("os", "signal", "time")):
    """Names of some modules' that stand in a piece of code, and those that it asks for with `hasattr` first."""
    found, asked = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "hasattr":
            asked.add(f"{ast.unparse(node.args[0])}.{getattr(node.args[1], 'value', '')}")
    return found, asked


def modules(package):
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", [path for room in ROOMS for path in modules(room)], ids=lambda path: path.name)
def test_nothing_needs_what_windows_or_macos_lack(path):
    """What only some systems have is asked for in the function that uses it."""
    assert not set(imported(path)) & LINUX_ALONE
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    guarded = [function for function in functions if used(function)[1] & NAMES_OF_SOME]
    allowed = set().union(*(used(function)[0] for function in guarded)) & NAMES_OF_SOME
    assert used(tree)[0] & NAMES_OF_SOME <= allowed


def test_that_rule_sees_what_it_is_for():
    found, asked = used(ast.parse("if hasattr(os, 'O_DIRECTORY'): os.open('x', os.O_DIRECTORY); signal.SIGKILL"))
    assert (found & NAMES_OF_SOME, asked) == ({"os.O_DIRECTORY", "signal.SIGKILL"}, {"os.O_DIRECTORY"})
