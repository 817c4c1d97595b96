"""Measures models with the device's own code: on face crops, on whole pictures, and on videos.

In: a model, and labelled crops, scenes or clips. Out: tables, JSON files of figures, charts, and the model card's
blocks. Public names: ``open_network`` (networks.py), ``evaluate`` and ``CropReport`` (crops.py), ``compare``
(compare.py), ``configure`` and ``open_parts`` (device.py), ``read_scenes`` and ``detect_scenes`` (scenes.py),
``SceneReport`` (scene_report.py), ``read_clips`` and ``detect_clip`` (clips.py), ``score_clip`` (clip_report.py),
``renew`` (model_card.py).
"""
