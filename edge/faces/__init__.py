"""Finds faces in an image and tells what is on each of them.

In: images and regions to search. Out: ``Box`` for each detection, ``Face`` with a probability per label.
Public names: ``Box`` (geometry.py), ``Face`` (face.py), ``Detector`` and ``Region`` (detector.py), ``MaskClassifier``
(classifier.py), ``Card`` (card.py), ``open_detector`` and ``open_classifier`` (opening.py).
Threads: none of its own; a detector or classifier belongs to the thread that opened it.
"""
