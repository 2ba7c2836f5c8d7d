"""What a user can mend, and what a caller from Python is told."""


class UserError(Exception):
    """Printed as one line, exit 2: what came, what is allowed, what to do."""


class BenchWarning(UserWarning):
    """What a command would say on standard error while it goes on."""
