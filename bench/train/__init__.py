"""`python -m bench.train`"""
