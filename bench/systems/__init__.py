"""`python -m bench.systems`"""
