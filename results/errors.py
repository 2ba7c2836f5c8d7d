"""The exceptions of this package that a user can mend."""


class ResultError(RuntimeError):
    """One line: what came, what is allowed, what to do."""
