"""The page on the device: aim the camera, check pictures, see alerts. Needs the extra ``web``; off by default.

Everything here hangs on the bus and on files; the loop knows nothing of it, and nothing of it is imported without
``[web] enabled``. One thread runs the server, one more does what costs time (drawing, checking pictures).
"""
