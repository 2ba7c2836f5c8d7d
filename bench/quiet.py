"""Whether a command was told to be quiet (`--quiet`): results, warnings and errors are all that it says then."""

_quiet = False  # of the process: what is said in other threads counts too


def be_quiet(yes: bool = True) -> None:
    """From now on nothing is said of the work as it goes on; or it is again."""
    global _quiet
    _quiet = yes


def quiet() -> bool:
    return _quiet
