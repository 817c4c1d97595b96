"""Gives FFmpeg what a network camera asks for: the login, and how its certificate is checked."""

import logging
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from ..addresses import RAW_CHARACTERS, has_raw_characters, shown, with_login
from ..config.credentials import password_for
from ..config.schema import SourceConfig
from ..errors import ConfigError, SourceError

log = logging.getLogger("maskwatch")
ENCRYPTED = ("rtsps://", "https://")
FFMPEG_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
"""The environment variable in which OpenCV looks for FFmpeg's options, at each opening."""
ERRORS_ONLY = 2
"""OpenCV's log level: its warnings contain the address, if the environment asks for many of them."""
# FFmpeg writes addresses with their passwords into its messages; its level "quiet" is -8
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
os.environ.pop("OPENCV_FFMPEG_DEBUG", None)


def address_with_login(address: str, config: SourceConfig) -> str:
    """Returns the address with ``source.user`` and the password of its file or credential, percent-encoded.

    The file is read at each opening, so a new password counts without a restart. Without ``source.user`` the address
    stays as it is. Raises ``SourceError`` for a file that cannot be read, or an address that is no text.
    """
    if not address.isprintable():  # OpenCV crashes the process at bytes that are not UTF-8
        raise SourceError(f"{shown(address)}: characters that cannot stand in an address; percent-encode them")
    if not config.user:
        return address
    try:
        password = password_for("source.password_file", config.password_file, "camera-password")
    except ConfigError as error:  # the file may come back
        raise SourceError(str(error)) from error
    return with_login(address, config.user, password)


def check_access(address: str, config: SourceConfig) -> None:
    """Logs what people should know about the way to a camera. Raises ``ConfigError`` for an unusable password file."""
    if config.user:
        password_for("source.password_file", config.password_file, "camera-password")
    if has_raw_characters(address):
        log.warning("%s: %s", shown(address), RAW_CHARACTERS)
    if address.lower().startswith(ENCRYPTED) and not config.verify:
        log.warning("%s: the camera's certificate is not checked; source.verify = true checks it", shown(address))


def hint(address: str, config: SourceConfig) -> str:
    """Returns what else may be wrong with a camera that does not answer."""
    if has_raw_characters(address):
        return f"; {RAW_CHARACTERS}"
    if config.verify and address.lower().startswith(ENCRYPTED):
        return "; its certificate may not be signed by source.ca_file, or be for another name"
    return ""


@contextmanager
def opening(address: str, config: SourceConfig) -> Iterator[None]:
    """Prepares OpenCV and FFmpeg for the block that opens a stream: they show no address, and check the certificate.

    The certificate is checked with ``source.verify`` only.
    """
    cv2.utils.logging.setLogLevel(ERRORS_ONLY)
    before = os.environ.get(FFMPEG_OPTIONS)
    if config.verify and address.lower().startswith(ENCRYPTED):
        # OpenCV's own OpenSSL does not know where this system keeps its certificates
        authorities = os.path.expanduser(config.ca_file) or ssl.get_default_verify_paths().cafile
        options = [before or "rtsp_transport;tcp", "tls_verify;1"]  # OpenCV's default, where the variable is not set
        options += [f"ca_file;{authorities}"] if authorities else []
        os.environ[FFMPEG_OPTIONS] = "|".join(options)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(FFMPEG_OPTIONS, None)
        else:
            os.environ[FFMPEG_OPTIONS] = before
