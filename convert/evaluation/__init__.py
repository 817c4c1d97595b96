"""Figures of a model: on crops, on whole scenes, on clips; charts and the model card."""
