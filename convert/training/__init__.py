"""Trains networks, quantizes them, and measures them on sources that they were not trained on.

In: a folder tree of crops, and a ``Recipe``. Out: a .keras file with its training record, and a .tflite model with its
card.
Public names: ``Recipe`` (recipe.py), ``build`` (architectures.py), ``train`` (train.py), ``quantize`` (quantize.py),
``leave_one_out`` and ``search`` (experiments.py), ``write_single_shot`` (single_shot.py).
"""
