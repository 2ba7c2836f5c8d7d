"""`python -m bench.predict`"""
