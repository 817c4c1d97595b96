"""Gives frames: from a Pi camera, a USB camera, a network stream, a video file or a folder of pictures.

In: the address of a source. Out: ``Frame`` objects, and what condition the camera is in.
Public names: ``Frame`` and ``Image`` (frames.py), ``Source`` and ``open_source`` (source.py).
Threads: a live camera is read in a thread named ``camera``; recordings are read by the loop itself.
"""
