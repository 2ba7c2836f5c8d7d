"""`python -m bench.report`"""
