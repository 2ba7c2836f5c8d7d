"""The steps from a net to its fully-convolutional form, each on its graph."""
