"""The fitted model: a value, its files, and its export to ONNX."""
