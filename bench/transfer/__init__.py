"""`python -m bench.transfer`, and `bench.transfer(...)`: a package that can be called as the function of its name."""

import sys

from bench.calling import callable_package

callable_package(sys.modules[__name__], "bench.api.transfer")
