"""`python -m bench.speed`"""
