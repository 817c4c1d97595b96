"""Finds faces in an image, and classifies each of them.

In: an image and the regions to search. Out: a ``Box`` per detection, a ``Face`` with a probability per label.
Public names: ``Box`` (geometry.py), ``Face`` (face.py), ``Detector`` and ``Region`` (detector.py), ``MaskClassifier``
(classifier.py), ``Card`` (card.py), ``open_detector``, ``open_classifier`` and ``open_hider`` (opening.py).
Threads: none of its own; a detector or classifier belongs to the thread that opened it.
"""
