"""Reads network cameras that give pictures over HTTP: Motion JPEG, or one picture per request (a snapshot address)."""

import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote

from ..addresses import host_of, is_ip, shown, shown_file, split_login
from ..config.schema import SourceConfig
from ..errors import SourceError
from . import jpeg, pictures
from .access import address_with_login, hint
from .capture import NO_ANSWER, NO_PICTURE, TIMED_OUT_S, accepts
from .frames import Picture

WAIT_S = 6.0
"""Seconds to wait for a connection, and for each piece of an answer."""
PICTURE_WITHIN_S = 7.0
"""Seconds within which a picture must come: less than ``live.LOST_AFTER_S``, so that the reason can be told."""
MAX_BYTES = 16 * 2**20
"""A picture of more bytes is not read; 8160x6120 pixels as JPEG are 8 to 12 MB."""
MAX_LINE = 8192
LONGEST_INTERVAL_S = 3.0
"""Seconds between two requests for one picture, at most: a camera that is silent for 8 s counts as lost."""
PAUSE_S = 0.5
"""The same, at least, after a request that failed."""
NEXT = jpeg.END + jpeg.BEGIN
"""How one JPEG picture follows another."""


class _Refused(SourceError):
    """The camera refuses the request. Asking again at once would only lock the user out."""


class HttpCamera:
    """Drives a camera that answers with pictures. Each picture is decoded whole or not at all.

    An answer of one picture is asked for again, ``source.fps`` times per second. The constructor raises
    ``SourceError`` if the camera does not answer; ``gives_pictures`` tells whether it answers with pictures.
    """

    def __init__(self, address: str, config: SourceConfig) -> None:
        self.name = shown(address)
        self._hint = hint(address, config)
        self._interval = min(1 / config.fps, LONGEST_INTERVAL_S)
        self._request, self._opener = _request(address_with_login(address, config), config)
        self._asked_at = float("-inf")
        self._count = 0
        self._answer = self._ask()

    @property
    def gives_pictures(self) -> bool:
        """Returns whether the answer is a picture or a series of pictures."""
        return self._answer.kind != "other"

    def read(self) -> Picture:
        """Reads the next picture. Raises ``SourceError``."""
        deadline = time.monotonic() + PICTURE_WITHIN_S
        problem: SourceError | None = None
        while time.monotonic() < deadline:
            was_series = False
            try:
                data = self._next(deadline)
                if data is not None:
                    self._count += 1
                    return Picture(pictures.decode(data, pictures.OF_CAMERAS))
                was_series = self._count > 1  # some cameras end each connection after a number of pictures
                self._ask_again(0.0 if problem is None else PAUSE_S)
            except _Refused:
                raise
            except SourceError as error:  # a picture that is cut off, or a camera that is too busy to answer
                if was_series:
                    raise
                problem = error
        raise problem or SourceError(f"{self.name} {NO_PICTURE}")

    def _next(self, deadline: float) -> bytes | None:
        try:
            return self._answer.next(deadline)
        except TimeoutError:
            raise _Refused(f"{self.name} {NO_PICTURE}") from None
        except (OSError, http.client.HTTPException):  # the connection broke
            return None

    def _ask_again(self, pause: float) -> None:
        self._answer.close()
        time.sleep(max(0.0, self._asked_at + max(pause, self._interval) - time.monotonic()))
        self._answer = self._ask()
        self._count = 0

    def _ask(self) -> "_Answer":
        self._asked_at = time.monotonic()
        vars(self._request).pop("redirect_dict", None)  # else urllib takes repeated requests for a loop of redirections
        try:
            return _Answer(self._opener.open(self._request, timeout=WAIT_S))
        except urllib.error.HTTPError as error:
            error.close()
            what = "user and password" if error.code in (401, 403) else "the path of its address"
            text = f"{self.name} answers with HTTP status {error.code}; check {what}{self._hint}"
            raise (_Refused if error.code in (401, 403) else SourceError)(text) from None
        # urllib's own message may contain the address; ValueError is a login of a kind that it does not know
        except (OSError, http.client.HTTPException, ValueError):
            silent = time.monotonic() - self._asked_at > TIMED_OUT_S and accepts(self._request.full_url)
            raise SourceError(f"{self.name} {NO_PICTURE if silent else NO_ANSWER}{self._hint}") from None

    def close(self) -> None:
        """Ends the connection."""
        self._answer.close()


class _Answer:
    """One answer of a camera. ``kind`` is ``picture``, ``series`` (multipart) or ``other``.

    A picture of unknown length may be followed by more of them.
    """

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self._buffer = b""
        self._deadline = time.monotonic() + PICTURE_WITHIN_S
        length, content_type = response.length, response.headers.get_content_type()
        self.kind = {"image": "picture", "multipart": "series"}.get(content_type.split("/")[0], "other")
        if self.kind == "other" and self._starts_as_jpeg():
            self.kind = "picture"  # with a wrong content type
        if self.kind == "series":
            self._pictures = self._series(f"{response.headers.get_boundary('')}".encode())
        else:
            self._pictures = self._single() if length else self._unbounded()

    def next(self, deadline: float) -> bytes | None:
        """Returns the bytes of the next picture; None at the end. Raises ``OSError`` when the time is over."""
        self._deadline = deadline
        return next(self._pictures, None)

    def close(self) -> None:
        """Ends the connection."""
        self._response.close()

    def _starts_as_jpeg(self) -> bool:
        try:
            return self._fill() and self._buffer.startswith(jpeg.BEGIN)
        except (OSError, http.client.HTTPException):
            return False

    def _fill(self) -> bool:
        """Reads what has arrived; False at the end of the answer."""
        if time.monotonic() > self._deadline:
            raise TimeoutError
        data = self._response.read1(65536)
        self._buffer += data
        return bool(data)

    def _take(self, count: int) -> bytes:
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _until(self, mark: bytes, limit: int) -> bytes:
        """Takes what stands before ``mark``, and the mark itself; at the end of the answer, the rest."""
        searched = 0
        while (at := self._buffer.find(mark, searched)) < 0 and len(self._buffer) < limit:
            searched = max(0, len(self._buffer) - len(mark))
            if not self._fill():
                break
        return self._take(at + len(mark) if at >= 0 else len(self._buffer))

    def _single(self) -> Iterator[bytes]:
        while len(self._buffer) < MAX_BYTES and self._fill():
            pass
        if self._buffer:
            yield self._take(MAX_BYTES)

    def _unbounded(self) -> Iterator[bytes]:
        while data := self._until(NEXT, MAX_BYTES):
            if data.endswith(NEXT):
                self._buffer = jpeg.BEGIN + self._buffer
            yield data.removesuffix(jpeg.BEGIN) if data.endswith(NEXT) else data

    def _series(self, boundary: bytes) -> Iterator[bytes]:
        """Yields the parts. The line between them is taken as it comes: cameras announce it with and without dashes,
        and send it with and without them.
        """
        mark = b""
        while mark or (line := self._until(b"\n", MAX_LINE)):
            if not mark and not line.startswith(b"--") and line.strip() != boundary:
                continue
            mark = mark or line.strip()
            length = self._length_of_part()
            if 0 < length <= MAX_BYTES:
                while len(self._buffer) < length and self._fill():
                    pass
                yield self._take(length)
                mark = b""
                continue
            data = self._until(b"\n" + mark, MAX_BYTES)
            if not data:
                return
            yield data.removesuffix(b"\n" + mark).removesuffix(b"\r")
            self._until(b"\n", MAX_LINE)

    def _length_of_part(self) -> int:
        """Reads the header of a part; returns the length that it tells, or 0."""
        length = 0
        while (header := self._until(b"\n", MAX_LINE).strip()) != b"":
            if match := re.fullmatch(rb"content-length\s*:\s*(\d{1,9})", header, re.IGNORECASE):
                length = int(match[1])
        return length


def _request(address: str, config: SourceConfig) -> tuple[urllib.request.Request, urllib.request.OpenerDirector]:
    """Returns what asks for pictures, with the login of the address: as a digest, or as plain text if it must be."""
    bare, user, password = split_login(address)
    url = quote(bare, safe="%/:=&?~#+!$,;'@()*[]|")
    logins = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    if user:
        logins.add_password(None, url, user, password)
    authorities = os.path.expanduser(config.ca_file) if config.verify else ""
    try:
        context = ssl.create_default_context(cafile=authorities or None)
    except OSError as error:
        raise SourceError(f"source.ca_file {shown_file(authorities)} cannot be read: {error.strerror}") from None
    context.check_hostname = config.verify and not is_ip(host_of(bare))  # FFmpeg does not compare IP addresses either
    context.verify_mode = ssl.CERT_REQUIRED if config.verify else ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPDigestAuthHandler(logins),
        urllib.request.HTTPBasicAuthHandler(logins),
    )
    return urllib.request.Request(url, headers={"User-Agent": "maskwatch"}), opener
