"""maskwatch on the workstation: from labelled face pictures to the int8 model that the device loads.

    prepare -> data -> augment -> model -> train -> quantize -> evaluate

``convert`` uses the device's own detector, crop and classifier from ``edge``; ``edge`` never imports ``convert``.
Images, boxes and scores follow the conventions in ``edge/__init__.py``.
"""
