"""`python -m bench.run`"""
