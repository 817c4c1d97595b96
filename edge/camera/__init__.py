"""Reads frames from a Pi camera, a USB camera, a network stream, a video file or a folder of pictures.

In: the address of a source. Out: ``Frame`` objects, and the condition of the camera.
Public names: ``Frame`` and ``Image`` (frames.py), ``Source`` and ``open_source`` (source.py).
Threads: a live camera is read in a thread named ``camera``; a recording is read in the thread that iterates over it.
"""
