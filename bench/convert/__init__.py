"""`python -m bench.convert`"""
