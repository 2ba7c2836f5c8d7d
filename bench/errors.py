"""The one exception for everything a user can mend."""


class UserError(Exception):
    """Printed as one line, exit 2: what came, what is allowed, what to do."""
