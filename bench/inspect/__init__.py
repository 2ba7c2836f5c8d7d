"""`python -m bench.inspect`"""
