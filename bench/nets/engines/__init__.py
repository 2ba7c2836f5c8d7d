"""Runtimes that people keep beside torch, each in a file: a net goes in as an ONNX graph, scores come out."""
