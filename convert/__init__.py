"""Makes the int8 model that the device loads from labelled face pictures, on a workstation.

    prepare -> train -> quantize -> evaluate

In: lists and folder trees of pictures. Out: ``mask.tflite`` with its card ``mask.json``, and figures of its accuracy.
Public names: the command ``maskwatch-convert`` (__main__.py), ``DataError`` (errors.py); the rooms have the rest.
``convert`` uses the device's own detector, crop and classifier from ``edge``. ``edge`` never imports ``convert``.
Images, boxes and scores follow the conventions in ``edge/__init__.py``.
"""
