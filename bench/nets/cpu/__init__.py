"""A net's layers in the forms that are fast on a CPU."""
