"""Stands in for kms++, a display library that picamera2 imports for a preview that maskwatch never opens."""


class PixelFormat:
    """Formats that are named, and never used."""

    RGB888 = BGR888 = XRGB8888 = XBGR8888 = ABGR8888 = YUV420 = YVU420 = NV12 = None
