"""`python -m bench.tables`"""
