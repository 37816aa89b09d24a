"""Other ways to serve the same ONNX file, each run by an environment of its own (compare.py makes them)."""
