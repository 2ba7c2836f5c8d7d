"""`python -m bench.gate`"""
