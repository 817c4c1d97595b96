"""Architectures, training, quantization, and experiments over sources and shapes."""
